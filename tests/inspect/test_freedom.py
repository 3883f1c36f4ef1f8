"""Coefficients against degrees of freedom: the documents' examples, and the count by rank."""

import pytest

from pellucid.inspect import chained_freedom

THREE = ((3, 3), 1)


@pytest.mark.parametrize(
    ("kernels", "coefficients", "parameters", "independent"),
    [
        ([THREE, THREE], 25, 18, 17),  # one number only moves a factor between the two
        ([((3, 1), 1), ((1, 3), 1)], 9, 6, 5),
        ([THREE, ((3, 3), 2)], 49, 18, 17),
        ([((3, 3), 2)], 25, 9, 9),
        ([THREE], 9, 9, 9),
    ],
)
def test_the_documents_examples(kernels, coefficients, parameters, independent):
    found = chained_freedom(kernels)
    assert (found.coefficients, found.parameters, found.independent) == (coefficients, parameters, independent)
