using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Common;

/// <summary>An element type of tensors that kernels read and write sixteen at a time, computing in float32.</summary>
internal unsafe interface IElement<TSelf> where TSelf : unmanaged, IElement<TSelf>
{
    /// <summary>libtorch's name of the type.</summary>
    static abstract ScalarType Type { get; }

    /// <summary>Reads sixteen elements.</summary>
    static abstract Vector512<float> Load(TSelf* source);

    /// <summary>Reads <paramref name="count"/> (1 to 15) elements and no byte beyond; the other lanes are 0.</summary>
    static abstract Vector512<float> Load(TSelf* source, int count);

    /// <summary>Writes sixteen elements, rounded to the nearest.</summary>
    static abstract void Store(TSelf* target, Vector512<float> values);

    /// <summary>Writes the first <paramref name="count"/> (1 to 15) elements and no byte beyond.</summary>
    static abstract void Store(TSelf* target, Vector512<float> values, int count);
}
