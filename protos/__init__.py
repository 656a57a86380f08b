"""Wire contracts, Katib's gRPC API and the Open Inference Protocol, and their generated code."""
