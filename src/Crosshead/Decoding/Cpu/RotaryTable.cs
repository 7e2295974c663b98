namespace Crosshead.Decoding.Cpu;

/// <summary>Cosines and sines of the rotary angles, and the rotation.</summary>
/// <param name="cos">[positions, d/2]</param>
/// <param name="sin">[positions, d/2]</param>
/// <param name="queryFactors">What rotated queries are multiplied by [positions]; null for 1.</param>
/// <param name="beyond">The angles of prompts beyond a context; null where all have the same.</param>
/// <param name="shortContext">This context.</param>
internal sealed unsafe class RotaryTable(Rows cos, Rows sin, float[]? queryFactors = null, RotaryTable? beyond = null,
    int? shortContext = null) : IDisposable
{
    /// <summary>The angles of a token.</summary>
    /// <param name="reach">Number of tokens of the prompt that the token is a part of; 0 for other tokens.</param>
    public RotaryTable For(int reach) => beyond is not null && reach > shortContext ? beyond : this;

    /// <summary>What the rotated query of a position is multiplied by.</summary>
    public float QueryFactor(int position) => queryFactors?[position] ?? 1;

    /// <summary>Rotates a head x [d] in place by its position, in the half-split form, and scales it.</summary>
    public void Rotate(float* x, int position, float scale) => Rotate(x, position, scale, x);

    /// <summary>The same, to y [d].</summary>
    public void Rotate(float* x, int position, float scale, float* y) =>
        RowMath.MultiplyComplex(x, cos[position], sin[position], cos.Width, scale, y);

    /// <inheritdoc/>
    public void Dispose()
    {
        cos.Dispose();
        sin.Dispose();
        beyond?.Dispose();
    }
}
