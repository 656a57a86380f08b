"""Katib's v1beta1 gRPC API: messages in `api_pb2`, stubs and servicers in `api_pb2_grpc`."""
