namespace Crosshead.Generation.Cpu;

/// <summary>A weight matrix as panels of one element type.</summary>
internal sealed unsafe class PanelMatrix<T> : PackedMatrix where T : unmanaged, IPanelElement<T>
{
    private readonly NativeBuffer<T> _panels; // [outputs/16] panels of depth × 16
    private readonly long _panelSize;

    /// <summary>Packs matrices [outputs_i, inputs], one below the other.</summary>
    public PanelMatrix(int inputs, params ReadOnlySpan<float[]> parts) : base(OutputsOf(inputs, parts), inputs)
    {
        _panelSize = (long)Depth * Panel.Lanes;
        _panels = new NativeBuffer<T>(Panels * _panelSize);
        var output = 0;
        foreach (var part in parts)
        {
            for (var row = 0; row < part.Length; row += inputs, output++)
            {
                var panel = _panels.Pointer + (output / Panel.Lanes * _panelSize);
                for (var k = 0; k < inputs; k++) panel[T.Index(k, output % Panel.Lanes)] = T.From(part[row + k]);
            }
        }
    }

    /// <inheritdoc/>
    public override long Bytes => _panels.Length * sizeof(T);

    /// <inheritdoc/>
    public override void Multiply(int first, int end, float* x, int stride, int rows, float* y, int yStride)
    {
        for (var p = first; p < end; p++)
            Panel.Multiply(_panels.Pointer + (p * _panelSize), Depth, x, stride, rows, y + (p * Panel.Lanes), yStride);
    }

    /// <inheritdoc/>
    public override void ReadRow(int output, Span<float> row)
    {
        var panel = _panels.Pointer + (output / Panel.Lanes * _panelSize);
        for (var k = 0; k < row.Length; k++) row[k] = T.ToSingle(panel[T.Index(k, output % Panel.Lanes)]);
    }

    /// <inheritdoc/>
    public override void Dispose() => _panels.Dispose();

    private static int OutputsOf(int inputs, ReadOnlySpan<float[]> parts)
    {
        var elements = 0L;
        foreach (var part in parts) elements += part.Length;
        return (int)(elements / inputs);
    }
}
