using Crosshead.Attention;

namespace Crosshead.Model.Views;

/// <summary>
/// Where the tokens of a call stand and what they see. Rotary angles are computed once for all layers, and masks once
/// per window width.
/// </summary>
/// <param name="total">Number of tokens that the last token of the call could see without a window.</param>
internal abstract class CallView(long total)
{
    private readonly Dictionary<long, TokenView> _byWindow = [];

    /// <summary>
    /// The view of a layer whose queries see at most <paramref name="window"/> tokens, including themselves. Null: all
    /// earlier tokens.
    /// </summary>
    public TokenView Within(int? window)
    {
        var width = Math.Min(window ?? total, total); // a window as long as the sequence hides nothing
        if (!_byWindow.TryGetValue(width, out var view)) _byWindow[width] = view = Create(width, width == total);
        return view;
    }

    /// <summary>
    /// Whether all tensors of a call stay alive after the call, because a captured graph writes to them again.
    /// </summary>
    public virtual bool Retains => false;

    /// <summary>Creates the view of a window.</summary>
    /// <param name="width">Number of tokens seen, including the query.</param>
    /// <param name="whole">Whether the window hides nothing.</param>
    protected abstract TokenView Create(long width, bool whole);
}
