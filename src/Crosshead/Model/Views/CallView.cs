using Crosshead.Attention;

namespace Crosshead.Model.Views;

/// <summary>
/// Where the tokens of a call stand and what they see: rotary angles worked out once for all layers, and a mask once
/// for each width of window that layers have.
/// </summary>
/// <param name="total">Tokens that the call's last token could see without a window.</param>
internal abstract class CallView(long total)
{
    private readonly Dictionary<long, TokenView> _byWindow = [];

    /// <summary>
    /// The view of a layer whose queries see at most <paramref name="window"/> tokens, themselves among them; null for
    /// all before them.
    /// </summary>
    public TokenView Within(int? window)
    {
        var width = Math.Min(window ?? total, total); // a window as long as the sequence hides nothing
        if (!_byWindow.TryGetValue(width, out var view)) _byWindow[width] = view = Create(width, width == total);
        return view;
    }

    /// <summary>
    /// Whether all that a call computes lives on after it, for a captured graph that writes to it again.
    /// </summary>
    public virtual bool Retains => false;

    /// <summary>Makes the view of a window.</summary>
    /// <param name="width">Tokens seen, the query among them.</param>
    /// <param name="whole">Whether the window hides nothing.</param>
    protected abstract TokenView Create(long width, bool whole);
}
