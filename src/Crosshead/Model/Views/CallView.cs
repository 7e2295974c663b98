using Crosshead.Attention;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>
/// Where the tokens of a call stand and what they see. Rotary angles are computed once for all layers that share them,
/// and masks once per window width.
/// </summary>
/// <param name="rotary">Rotary angles by position.</param>
/// <param name="total">Number of tokens that the last token of the call could see without a window.</param>
/// <param name="reach">Number of tokens of the text; 0 where each token is the last of its text.</param>
internal abstract class CallView(RotaryTables rotary, long total, long reach)
{
    private readonly Dictionary<(long Width, RotaryKind Kind), TokenView> _views = [];

    /// <summary>
    /// The view of a layer whose queries see at most <paramref name="window"/> tokens, including themselves. Null: all
    /// earlier tokens.
    /// </summary>
    /// <param name="window">Number of tokens seen.</param>
    /// <param name="kind">The rotary angles of the layer.</param>
    public TokenView Within(int? window, RotaryKind kind = RotaryKind.Usual)
    {
        var width = Math.Min(window ?? total, total); // a window as long as the sequence hides nothing
        if (_views.TryGetValue((width, kind), out var view)) return view;
        // Layers of another kind share all but the angles.
        var same = _views.FirstOrDefault(v => v.Key.Width == width).Value;
        var (cos, sin, factors) = Angles(rotary.Of(kind, reach));
        view = same is null ? Create(width, width == total, cos, sin) with { QueryFactors = factors }
            : same with { Cos = cos, Sin = sin, QueryFactors = factors };
        return _views[(width, kind)] = view;
    }

    /// <summary>
    /// Whether all tensors of a call stay alive after the call, because a captured graph writes to them again.
    /// </summary>
    public virtual bool Retains => false;

    /// <summary>Cosines and sines of the tokens, and the factors of their queries, null for 1.</summary>
    protected abstract (Tensor Cos, Tensor Sin, Tensor? QueryFactors) Angles(RotaryEmbedding rotary);

    /// <summary>Creates the view of a window.</summary>
    /// <param name="width">Number of tokens seen, including the query.</param>
    /// <param name="whole">Whether the window hides nothing.</param>
    /// <param name="cos">Cosines of the tokens.</param>
    /// <param name="sin">Sines of the tokens.</param>
    protected abstract TokenView Create(long width, bool whole, Tensor cos, Tensor sin);
}
