//! Sources to [`Spec`]: the HCL and YAML front ends, the loader, module sources.
