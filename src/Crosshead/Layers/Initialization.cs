using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>Starting values of parameters.</summary>
internal static class Initialization
{
    /// <summary>
    /// Normal distribution with mean 0. Drawn on the CPU, so a seed gives the same values on every device.
    /// </summary>
    public static Action<Tensor, Generator> Normal(double standardDeviation) => (value, generator) =>
        value.copy_(empty(value.shape, ScalarType.Float32).normal_(0, standardDeviation, generator));

    /// <summary>The same value everywhere.</summary>
    public static Action<Tensor, Generator> Constant(double start) => (value, _) => value.fill_(start);

    /// <summary>The identity matrix, padded with zeros if the matrix is not square.</summary>
    public static void Identity(Tensor value, Generator generator) => value.copy_(eye(value.shape[0], value.shape[1]));
}
