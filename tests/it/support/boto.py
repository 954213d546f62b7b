"""Runs Python text against a test server with boto3, as a colleague with the console would act.

Usage: boto.py URL REGION, the text on standard input. It sees `client(service)`, `inventory()` and `tell(value)`, which
prints a value as JSON.
"""
import json
import sys

import boto3
from botocore.config import Config

import inventory as inventories

url, region = sys.argv[1:]
session = boto3.session.Session("testing", "testing", region_name=region)
clients = {}


def client(service):
    if service not in clients:
        config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
        clients[service] = session.client(service, endpoint_url=url, config=config)
    return clients[service]


def inventory():
    return inventories.inventory(client)


def tell(value):
    print(json.dumps(value))


exec(sys.stdin.read())
