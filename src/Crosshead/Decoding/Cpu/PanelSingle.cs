using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Decoding.Cpu;

/// <summary>A float32 element of a panel: [depth][16].</summary>
internal readonly unsafe struct PanelSingle : IPanelElement<PanelSingle>
{
    private readonly float _value;

    private PanelSingle(float value) => _value = value;

    public static PanelSingle From(float value) => new(value);

    public static float ToSingle(PanelSingle element) => element._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Index(long k, int lane) => (k * Panel.Lanes) + lane;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Even, Vector512<float> Odd) LoadRows(PanelSingle* rows) => (Load(rows), Load(rows + Panel.Lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Even, Vector256<float> Odd) LoadHalfRows(PanelSingle* rows, int half)
    {
        var even = (float*)rows + (half * Vector256<float>.Count);
        return (Vector256.Load(even), Vector256.Load(even + Panel.Lanes));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(PanelSingle* elements) => Vector512.Load((float*)elements);
}
