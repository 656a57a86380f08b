"""Regenerates the committed protobuf modules: ``python -m protos.generate [OUTPUT_FOLDER]``.

Each proto file is compiled under its bare file name, because protobuf identifies a file by that
name and Katib's SDK registers ``api.proto`` (see the header of ``katib/api.proto``). The gRPC
plug-in then writes ``import api_pb2``, which only works with the folder on ``sys.path``; that one
line is turned into an import from the package.

Compilation goes through a descriptor set, as `buf` does it for Katib's SDK: only then do the
embedded descriptors spell out each field's JSON name, and protobuf lets two copies of ``api.proto``
into one process only when they are equal to the byte.
"""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

_HERE = Path(__file__).parent
PROTO_FILES = (Path("katib/api.proto"), Path("inference/open_inference_grpc.proto"))


def generate(output: Path) -> list[Path]:
    """Compiles every proto file and returns the written files, relative to ``output``.

    Args:
        output: Folder that plays the part of ``protos/``; its subfolders are created.

    Raises:
        RuntimeError: protoc refused a file.
    """
    written = []
    for proto in PROTO_FILES:
        folder = output / proto.parent
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory() as scratch:
            descriptors = f"{scratch}/descriptors.bin"
            include = f"-I{_HERE / proto.parent}"
            described = f"--descriptor_set_out={descriptors}"
            _protoc(include, "--include_source_info", described, proto.name)
            kinds = ("python_out", "pyi_out", "grpc_python_out")
            outputs = [f"--{kind}={folder}" for kind in kinds]
            _protoc(f"--descriptor_set_in={descriptors}", *outputs, proto.name)
        stem = proto.parent / proto.stem
        _import_from_package(output / f"{stem}_pb2_grpc.py", f"protos.{proto.parent.name}")
        written += [Path(f"{stem}_pb2.py"), Path(f"{stem}_pb2.pyi"), Path(f"{stem}_pb2_grpc.py")]
    return written


def _protoc(*arguments: str) -> None:
    from grpc_tools import protoc  # a developer dependency, not present in the containers

    status = protoc.main(["protoc", *arguments])
    if status != 0:
        raise RuntimeError(f"protoc must accept {arguments[-1]}, but exited with {status}.")


def _import_from_package(grpc_module: Path, package: str) -> None:
    text = grpc_module.read_text()
    text = re.sub(r"^import (\w+_pb2) as ", rf"from {package} import \1 as ", text, flags=re.M)
    grpc_module.write_text(text)


if __name__ == "__main__":
    for path in generate(Path(sys.argv[1]) if len(sys.argv) > 1 else _HERE):
        print(path)
