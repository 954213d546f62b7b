//! A wire to a server that can be cut and mended, for protocols that are not HTTP.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub struct Wire {
    port: u16,
    cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Wire {
    /// A port of 127.0.0.1 that leads to another one. Its thread ends with the process.
    pub fn to(port: u16) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on 127.0.0.1");
        let own = listener.local_addr().expect("a bound socket has an address").port();
        let (cut, open) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let wire = Wire { port: own, cut: cut.clone(), open: open.clone() };
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let ends = [near.try_clone(), far.try_clone(), near.try_clone(), far.try_clone()];
                let [Ok(a), Ok(b), Ok(c), Ok(d)] = ends else { continue };
                open.lock().unwrap().extend([c, d]);
                std::thread::spawn(move || pump(near, far));
                std::thread::spawn(move || pump(b, a));
            }
        });
        wire
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Closes all connections and takes no more.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        for socket in self.open.lock().unwrap().drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    pub fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 || to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
