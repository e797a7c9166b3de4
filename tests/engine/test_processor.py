"""The processor as the compiler sees it."""

from fastpc.engine import processor


def test_vectors_are_as_wide_as_the_processor_s_instructions():
    features = processor.vector_features()
    wide = 512 if "avx512f" in features else 256 if "avx" in features else 128
    assert processor.vector_bits() == wide
    assert processor.compiled_for()
