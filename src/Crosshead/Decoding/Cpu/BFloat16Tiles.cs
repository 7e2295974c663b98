using System.Runtime.CompilerServices;
using Crosshead.Runtime.MachineCode;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Products of panels of bfloat16 with vectors of bfloat16, in machine code for processors with AVX512_BF16. An
/// instruction adds two products in each of sixteen lanes, the second first, and rounds after each, as
/// <see cref="PanelBFloat16Products.MultiplyAdd(System.ValueTuple{System.Runtime.Intrinsics.Vector512{float},
/// System.Runtime.Intrinsics.Vector512{float}}, System.ValueTuple{System.Runtime.Intrinsics.Vector512{float},
/// System.Runtime.Intrinsics.Vector512{float}}, ref System.Runtime.Intrinsics.Vector512{float})"/> does. Numbers below
/// 2⁻¹²⁶ count as 0.
/// </summary>
internal sealed unsafe class BFloat16Tiles
{
    private const int Most = BFloat16TileWriter.Most, Runs = BFloat16TileWriter.Runs;

    // Of 1, 2, … vectors; what prefetches one line for two, and two.
    private readonly nint[] _one, _two;

    private BFloat16Tiles(nint[] one, nint[] two) => (_one, _two) = (one, two);

    /// <summary>The products; null where the processor or the system cannot run them.</summary>
    public static BFloat16Tiles? Instance { get; } = Create();

    private static BFloat16Tiles? Create()
    {
        if (!GeneratedCode.HasBFloat16Products) return null;
        var (one, two) = (Functions(lines: 1), Functions(lines: 2));
        return one.Contains(0) || two.Contains(0) ? null : new(one, two);
    }

    private static nint[] Functions(int lines) => [.. Enumerable.Range(1, Most)
        .Select(vectors => GeneratedCode.Make(new BFloat16TileWriter(vectors, lines).Write))];

    /// <summary>As <see cref="Panel.Multiply"/>. A single vector is multiplied like several.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(PanelBFloat16* panel, long panelStride, int panels, int depth, float* x, int stride, int rows,
        float* y, int yStride, long ahead, bool add)
    {
        var functions = rows <= Most ? _two : _one;
        var arguments = new BFloat16TileArguments
        {
            Stride = (long)stride * sizeof(float),
            SumStride = (long)yStride * sizeof(float),
            Adds = add ? 1 : 0,
            Run = 2 * panelStride * sizeof(PanelBFloat16) / Runs,
        };
        for (; panels > 0; panels -= 2, panel += 2 * panelStride, y += 2 * Panel.Lanes)
        {
            // A last panel without a partner is paired with itself.
            var second = panels > 1 ? 1 : 0;
            PanelBFloat16* p = panel, q = panel + (second * panelStride);
            arguments.Apart = second * Panel.Lanes * sizeof(float);
            arguments.End = (byte*)(p + ((long)depth * Panel.Lanes));
            for (var row = 0; row < rows; row += Most)
            {
                // The two panels that are used next are prefetched as four runs side by side, which memory answers
                // faster than one: half of each run by the first vectors, half by the second, if there are any.
                var next = row > Most ? null : (byte*)(p + ahead) + (row > 0 ? arguments.Run / 2 : 0);
                arguments.First = (byte*)p;
                arguments.Second = (byte*)q;
                arguments.Next = next == null ? (byte*)p : next;
                arguments.X = (byte*)(x + ((long)row * stride));
                arguments.Y = (byte*)(y + ((long)row * yStride));
                ((delegate* unmanaged[SuppressGCTransition]<BFloat16TileArguments*, void>)
                    functions[Math.Min(Most, rows - row) - 1])(&arguments);
            }
        }
    }
}
