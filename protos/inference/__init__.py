"""Open Inference Protocol v2: `open_inference_grpc_pb2` and `open_inference_grpc_pb2_grpc`."""
