using Crosshead.Attention;
using Crosshead.Kernels.Rotary;
using Crosshead.Kernels.StepAttention;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>
/// The next token of each sequence, at positions that are on the device. No operation here depends on the lengths of
/// the sequences. So the same operations on the same memory serve every step, and sequences may differ in length.
/// </summary>
internal sealed class StepView : CallView, IDisposable
{
    private readonly List<Tensor> _masks = []; // of a call that does not retain what it computes
    private readonly long _seen;
    private readonly Device _device;
    private readonly Tensor _positions; // [B], int64
    private Tensor? _lengths;           // [B], int32
    private readonly Tensor? _table;
    private readonly PieceWork? _pieces;
    private readonly ComposedWork? _composed;

    /// <param name="rotary">Rotary angles by position.</param>
    /// <param name="positions">Number of earlier tokens per sequence, [B] (int64): the position of the next
    /// token.</param>
    /// <param name="seen">Number of cache positions that are read; more than any position.</param>
    /// <param name="device">The device of the masks.</param>
    /// <param name="table">The pages of each sequence, [B, n] (int32); null if the cache has no pages.</param>
    /// <param name="pieces">How rows of the same sequence read its pages together; null if each reads them for
    /// itself.</param>
    /// <param name="composed">The same for layers that keep components; null for as others.</param>
    /// <param name="retains">Whether everything that the call computes lives on, for a captured graph.</param>
    public StepView(RotaryTables rotary, Tensor positions, long seen, Device device, Tensor? table = null,
        PieceWork? pieces = null, ComposedWork? composed = null, bool retains = true) : base(rotary, seen, reach: 0)
    {
        (_seen, _device, _positions, _table, Retains) = (seen, device, positions, table, retains);
        (_pieces, _composed) = (pieces, composed);
    }

    /// <inheritdoc/>
    public override bool Retains { get; }

    /// <inheritdoc/>
    protected override (Tensor Cos, Tensor Sin, Tensor? QueryFactors) Angles(RotaryEmbedding rotary)
    {
        // Views of the tables keep their memory alive if the tables grow meanwhile.
        var rows = Math.Min(_seen, rotary.Positions);
        var (cos, sin) = rotary.Rows(0, rows);
        if (!rotary.Grows && StepAngles.Supports(cos))
        {
            (cos, sin, _lengths) = StepAngles.Of(cos, sin, _positions);
            return (cos.unsqueeze(1), sin.unsqueeze(1), null);                                  // [B,1,d/2]
        }
        var own = _positions.clamp(0, rows - 1);
        return (cos.index_select(0, own).unsqueeze(1), sin.index_select(0, own).unsqueeze(1),   // [B,1,d/2]
            rotary.QueryFactors(own)?.unsqueeze(1));                                            // [B,1]
    }

    /// <inheritdoc/>
    protected override TokenView Create(long width, bool whole, Tensor cos, Tensor sin)
    {
        var begins = whole ? null : (_positions - (width - 1)).clamp(min: 0);  // [B], the first token seen
        return new TokenView(cos, sin, null, Causal: false)
        {
            Place = new(0, _positions, _seen, _table),
            Length = _lengths ??= (_positions + 1).to(ScalarType.Int32),
            Begins = begins?.to(ScalarType.Int32),
            Pieces = _pieces,
            Composed = _composed,
            LateMask = () => Mask(begins),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var mask in _masks) mask.Dispose();
    }

    // The mask of one layer serves the others too.
    private Tensor Mask(Tensor? begins)
    {
        using var scope = Retains ? null : NewDisposeScope();
        var keys = arange(_seen, ScalarType.Int64, _device);                                    // [T]
        var seen = keys <= _positions.unsqueeze(1);                                             // [B,T]
        if (begins is not null) seen = seen.logical_and(keys >= begins.unsqueeze(1));
        var mask = seen.view(-1, 1, 1, _seen);
        if (!Retains) _masks.Add(mask.DetachFromDisposeScope());
        return mask;
    }
}
