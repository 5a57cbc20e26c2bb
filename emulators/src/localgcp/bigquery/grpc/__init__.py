"""How the Storage Read and Write APIs are spoken: gRPC, on the port of the REST API."""
