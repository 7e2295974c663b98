namespace Crosshead.Decoding.Cpu;

/// <summary>A weight matrix as panels of one element type.</summary>
internal sealed unsafe class PanelMatrix<T> : PackedMatrix where T : unmanaged, IPanelElement<T>
{
    private readonly NativeBuffer<T> _panels; // [outputs/16] panels of depth × 16
    private readonly long _panelSize;

    /// <summary>Packs matrices [outputs_i, inputs], one below the other.</summary>
    public PanelMatrix(int inputs, float[][] parts, float[]? bias)
        : base((int)(parts.Sum(p => (long)p.Length) / inputs), inputs, bias)
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
        y += first * Panel.Lanes;
        Panel.Multiply(_panels.Pointer + (first * _panelSize), _panelSize, end - first, Depth, x, stride,
            rows, y, yStride);
        if (Bias is null) return;
        for (var r = 0; r < rows; r++)
            RowMath.Add(Bias[0] + (first * Panel.Lanes), y + ((long)r * yStride), (end - first) * Panel.Lanes);
    }

    /// <inheritdoc/>
    public override void ReadRow(int output, Span<float> row)
    {
        var panel = _panels.Pointer + (output / Panel.Lanes * _panelSize);
        for (var k = 0; k < row.Length; k++) row[k] = T.ToSingle(panel[T.Index(k, output % Panel.Lanes)]);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _panels.Dispose();
    }
}
