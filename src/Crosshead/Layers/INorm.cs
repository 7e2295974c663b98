using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>A norm over the last dimension.</summary>
public interface INorm
{
    /// <summary>The weight [size].</summary>
    Parameter Weight { get; }

    /// <summary>[…, size] → […, size].</summary>
    Tensor Forward(Tensor x);

    /// <summary>x + delta, and the norm of this sum; all […, size].</summary>
    (Tensor Sum, Tensor Normed) ForwardSum(Tensor x, Tensor delta);

    /// <summary>Works out what is constant at inference. The weight must not change afterwards.</summary>
    void Freeze();
}
