using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Decoding.Cpu;

/// <summary>A float32 element of a panel: [depth][16].</summary>
internal readonly unsafe struct PanelFloat32 : IPanelElement<PanelFloat32>
{
    private readonly float _value;

    private PanelFloat32(float value) => _value = value;

    public static PanelFloat32 From(float value) => new(value);

    public static float ToSingle(PanelFloat32 element) => element._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Index(long k, int lane) => (k * Panel.Lanes) + lane;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Even, Vector512<float> Odd) LoadRows(PanelFloat32* rows) =>
        (Vector512.Load((float*)rows), Vector512.Load((float*)rows + Panel.Lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Even, Vector256<float> Odd) LoadHalfRows(PanelFloat32* rows, int half)
    {
        var even = (float*)rows + (half * Vector256<float>.Count);
        return (Vector256.Load(even), Vector256.Load(even + Panel.Lanes));
    }
}
