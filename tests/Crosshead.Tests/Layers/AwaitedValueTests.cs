using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Tests.Layers;

/// <summary>A value that another stream still writes is waited for once, by whoever reads it first.</summary>
public sealed class AwaitedValueTests
{
    [Fact]
    public void Whoever_reads_the_value_first_waits() => Waits(parameter => _ = parameter.Value);

    [Fact]
    public void A_cast_waits() => Waits(parameter => parameter.In(ScalarType.BFloat16).Dispose());

    [Fact]
    public void A_move_waits() => Waits(parameter => parameter.MoveTo(ScalarType.Float64, CPU));

    private static void Waits(Action<Parameter> read)
    {
        using var parameter = new Parameter("weight", ParameterKind.Matrix, [2, 2], ScalarType.Float32, CPU,
            (_, _) => { });
        _ = parameter.Value; // of zeros from now on
        var waits = 0;
        parameter.Awaited = () => waits++;
        Assert.Equal(ScalarType.Float32, parameter.Type); // reads no numbers
        Assert.Equal(0, waits);
        read(parameter);
        read(parameter);
        Assert.Equal(1, waits);
    }
}
