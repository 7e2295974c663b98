using Crosshead.Layers;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Steps;

public sealed class AdamWTests
{
    private const double Rate = 0.01, Beta1 = 0.9, Beta2 = 0.95, Epsilon = 1e-8, Decay = 0.1;

    [Theory]
    [InlineData(ScalarType.Float64, 1e-13)]
    [InlineData(ScalarType.Float32, 1e-5)]
    public void Steps_are_those_of_the_plain_formula(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters(type);
        using var optimizer = new AdamW([new([parameters[0]], Decay), new([parameters[1]], 0)], Beta1, Beta2, Epsilon);
        var reference = parameters.Select((p, i) => new Scalars(p.Value, i == 0 ? Decay : 0)).ToArray();
        for (var step = 1; step <= 5; step++)
        {
            foreach (var (parameter, index) in parameters.Select((p, i) => (p, i)))
            {
                var gradient = (arange(parameter.Value.NumberOfElements, type) - (2 * step) + index)
                    .view(parameter.Value.shape);
                parameter.Value.grad = gradient;
                reference[index].Step(gradient, 4.0, step);
            }
            optimizer.Step(Rate, tensor(4.0f));
        }
        foreach (var (parameter, expected) in parameters.Zip(reference))
            Assert.InRange(TensorLeaks.RelativeError(parameter.Value.flatten(), tensor(expected.Values)), 0, tolerance);
        foreach (var parameter in parameters) parameter.Dispose();
    }

    [Fact]
    public void A_parameter_without_gradient_stays()
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters(ScalarType.Float32);
        var before = parameters[1].Value.detach().clone();
        using var optimizer = new AdamW([new(parameters, Decay)], Beta1, Beta2, Epsilon);
        parameters[0].Value.grad = ones_like(parameters[0].Value);
        optimizer.Step(Rate, tensor(1f));
        Assert.True(before.Equals(parameters[1].Value));
        foreach (var parameter in parameters) parameter.Dispose();
    }

    private static Parameter[] Parameters(ScalarType type)
    {
        var scope = new ParameterScope(type, CPU);
        _ = scope.Create("a", ParameterKind.Matrix, Initialization.Constant(0), 3, 37);
        _ = scope.Create("b", ParameterKind.Norm, Initialization.Constant(0), 5);
        using var generator = new Generator(3);
        using var grad = no_grad();
        foreach (var parameter in scope.Parameters) parameter.Value.normal_(0, 1, generator);
        return [.. scope.Parameters];
    }

    // AdamW by hand, a number at a time.
    private sealed class Scalars(Tensor start, double decay)
    {
        private readonly double[] _first = new double[start.NumberOfElements],
        _second = new double[start.NumberOfElements];

        public double[] Values { get; } = start.detach().to(ScalarType.Float64).flatten().data<double>().ToArray();

        public void Step(Tensor gradient, double divisor, int step)
        {
            var g = gradient.to(ScalarType.Float64).flatten().data<double>().ToArray();
            for (var i = 0; i < g.Length; i++)
            {
                var slope = g[i] / divisor;
                Values[i] -= Rate * decay * Values[i];
                _first[i] = (Beta1 * _first[i]) + ((1 - Beta1) * slope);
                _second[i] = (Beta2 * _second[i]) + ((1 - Beta2) * slope * slope);
                var (mean, square) = (_first[i] / (1 - Math.Pow(Beta1, step)),
                    _second[i] / (1 - Math.Pow(Beta2, step)));
                Values[i] -= Rate * mean / (Math.Sqrt(square) + Epsilon);
            }
        }
    }
}
