using Crosshead.Attention;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>
/// The next token of each sequence, at a position that the device alone knows: nothing here depends on how many tokens the
/// <see cref="DecodeState"/> keeps, so that the same operations on the same memory serve every step.
/// </summary>
internal sealed class StepSpans : TokenSpans
{
    private readonly long _capacity;
    private readonly Device _device;
    private readonly Tensor _position, _length; // [1], int64 and int32
    private readonly Tensor _cos, _sin;         // [1,d/2], or [B,1,d/2] of padded sequences
    private readonly Tensor? _pads;             // [B,1] padding tokens before each sequence's first

    /// <param name="rotary">Angles of positions.</param>
    /// <param name="position">Tokens that the state keeps, [1] (int64): where the next one is written.</param>
    /// <param name="state">What earlier tokens left.</param>
    /// <param name="device">Where.</param>
    public StepSpans(RotaryEmbedding rotary, Tensor position, DecodeState state, Device device) : base(state.Capacity)
    {
        (_capacity, _device, _position, _pads) = (state.Capacity, device, position, state.Pads);
        _length = (position + 1).to(ScalarType.Int32);
        // Views of the tables: they keep the memory, should the tables grow meanwhile.
        var rows = Math.Min(_capacity, rotary.Positions);
        var (cos, sin) = rotary.Rows(0, rows);
        var own = (_pads is null ? position : (position - _pads).view(-1)).clamp(0, rows - 1);      // [1] or [B]
        Tensor Row(Tensor table) => _pads is null ? table.index_select(0, own) : table.index_select(0, own).unsqueeze(1);
        (_cos, _sin) = (Row(cos), Row(sin));
    }

    /// <inheritdoc/>
    public override bool Retains => true;

    /// <inheritdoc/>
    protected override TokenSpan Create(long width, bool whole)
    {
        // The first token seen: within the window, and none of the padding.
        var begin = whole ? null : (_position - (width - 1)).clamp(min: 0);                         // [1]
        if (_pads is not null) begin = begin is null ? _pads.view(-1) : begin.maximum(_pads.view(-1)); // [B]
        return new TokenSpan(_cos, _sin, null, Causal: false)
        {
            Position = _position,
            Length = _length,
            Begins = begin?.to(ScalarType.Int32),
            LateMask = () =>
            {
                var keys = arange(_capacity, ScalarType.Int64, _device);                            // [T]
                var seen = keys <= _position;
                return (begin is null ? seen : seen.logical_and(keys >= begin.unsqueeze(1))).view(-1, 1, 1, _capacity); // [B,1,1,T]
            },
        };
    }
}
