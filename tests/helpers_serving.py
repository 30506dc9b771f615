"""A stand-in for TF Serving: the same gRPC protocol, over one exported version, in this process."""

import contextlib
import pathlib
from concurrent import futures

import grpc
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import get_model_metadata_pb2 as metadata_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

INVALID = grpc.StatusCode.INVALID_ARGUMENT


class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers as TF Serving does, INVALID_ARGUMENT included; a graph's error is one as well."""

    def __init__(self, version):
        self.version = pathlib.Path(version)
        self.model = tf.saved_model.load(str(version))
        saved = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
        self.definitions = saved.meta_graphs[0].signature_def

    def _answer(self, response):
        response.model_spec.name = "gan"
        response.model_spec.version.value = int(self.version.name)
        return response

    def Predict(self, request, context):  # noqa: N802
        name = request.model_spec.signature_name or "serving_default"
        if name not in self.definitions:
            context.abort(INVALID, f'Serving signature name: "{name}" not found')
        expected = self.definitions[name].inputs
        if set(request.inputs) != set(expected):
            context.abort(INVALID, f"expected {sorted(expected)}, got {sorted(request.inputs)}")
        for key, tensor in request.inputs.items():
            if tensor.dtype != expected[key].dtype:
                context.abort(INVALID, f"{key} has the wrong dtype")
        inputs = {k: tf.constant(tf.make_ndarray(v)) for k, v in request.inputs.items()}
        try:
            outputs = self.model.signatures[name](**inputs)
        except tf.errors.InvalidArgumentError as error:
            context.abort(INVALID, error.message)
        response = self._answer(predict_pb2.PredictResponse())
        response.model_spec.signature_name = name
        for key, value in outputs.items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value.numpy()))
        return response

    def GetModelMetadata(self, request, context):  # noqa: N802
        if list(request.metadata_field) != ["signature_def"]:
            context.abort(INVALID, "metadata_field must be signature_def")
        signatures = metadata_pb2.SignatureDefMap()
        for name, definition in self.definitions.items():
            signatures.signature_def[name].CopyFrom(definition)
        response = self._answer(metadata_pb2.GetModelMetadataResponse())
        response.metadata["signature_def"].Pack(signatures)
        return response


@contextlib.contextmanager
def serve(version):
    """Serve a version's folder on a free port of 127.0.0.1; give a client's stub."""
    server = grpc.server(futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Servicer(version), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield prediction_service_pb2_grpc.PredictionServiceStub(channel)
    finally:
        server.stop(None).wait()


def predict(stub, signature="", **inputs):
    """Ask for a prediction; return the outputs as NumPy arrays and the version that answered."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "gan"
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    response = stub.Predict(request, timeout=30)
    outputs = {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}
    return outputs, response.model_spec.version.value


def signatures(stub):
    """Ask for the model's metadata; return {signature: (inputs, outputs)} as TensorInfo protos."""
    request = metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "gan"
    response = stub.GetModelMetadata(request, timeout=30)
    unpacked = metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(unpacked)
    return {
        name: (dict(definition.inputs), dict(definition.outputs))
        for name, definition in unpacked.signature_def.items()
    }
