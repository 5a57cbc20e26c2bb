"""How Pub/Sub is spoken: gRPC, REST, push, and the bytes of each."""
