using System.Runtime.Intrinsics;

namespace Crosshead.Generation.Cpu;

/// <summary>Cosines and sines of the rotary angles, and the rotation.</summary>
/// <param name="cos">[positions, d/2]</param>
/// <param name="sin">[positions, d/2]</param>
internal sealed unsafe class RotaryTable(Rows cos, Rows sin) : IDisposable
{
    /// <summary>Turns a head x [d] in place by its position, in the half-split form, and scales it.</summary>
    public void Rotate(float* x, int position, float scale)
    {
        var half = cos.Width;
        float* c = cos[position], s = sin[position], y = x + half;
        var i = 0;
        for (; i <= half - Panel.Lanes; i += Panel.Lanes)
        {
            var (a, b) = (Vector512.Load(x + i) * scale, Vector512.Load(y + i) * scale);
            var (vc, vs) = (Vector512.Load(c + i), Vector512.Load(s + i));
            ((a * vc) - (b * vs)).Store(x + i);
            ((b * vc) + (a * vs)).Store(y + i);
        }
        for (; i < half; i++)
        {
            var (a, b) = (x[i] * scale, y[i] * scale);
            (x[i], y[i]) = ((a * c[i]) - (b * s[i]), (b * c[i]) + (a * s[i]));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        cos.Dispose();
        sin.Dispose();
    }
}
