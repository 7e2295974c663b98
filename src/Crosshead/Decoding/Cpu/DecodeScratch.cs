using Crosshead.Model;

namespace Crosshead.Decoding.Cpu;

/// <summary>Working memory of a decoder during a pass, except for attention.</summary>
internal sealed class DecodeScratch : IDisposable
{
    /// <summary>Allocates the memory.</summary>
    /// <param name="options">The model.</param>
    public DecodeScratch(ModelOptions options)
    {
        const int rows = PassBlock.MaxRows;
        var (experts, choices) = (options.Experts?.Count ?? 0, options.Experts?.PerToken ?? 1);
        var shared = options.Experts?.SharedInnerSize ?? 0;
        InnerSize = Math.Max(options.FeedForward, Math.Max(options.Experts?.InnerSize ?? 0, shared));
        Hidden = new Rows(rows, options.HiddenSize);
        Update = new Rows(options.Block.Form == BlockForm.PreNorm ? 0 : rows, options.HiddenSize);
        Logits = new Rows(experts > 0 ? rows : 0, Math.Max(experts, 1));
        Ratings = new Rows(Logits.Count, Math.Max(experts, 1));
        Routes = new ExpertRoutes(choices);
        Dense = new ExpertRoutes(1);
        for (var r = 0; r < rows; r++) Dense[0, r] = (0, 1);
        var layers = choices + (shared > 0 ? 1 : 0); // that a token goes through
        Inner = new SharedRows(rows * layers, InnerSize);
    }

    /// <summary>[row]: the residual stream.</summary>
    public Rows Hidden { get; }

    /// <summary>Most inner numbers of a feed-forward layer.</summary>
    public int InnerSize { get; }

    /// <summary>[row]: what a layer adds to the residual stream once it is normed, or later.</summary>
    public Rows Update { get; }

    /// <summary>[row]: the router's logits.</summary>
    public Rows Logits { get; }

    /// <summary>[row]: how good the experts are for a token.</summary>
    public Rows Ratings { get; }

    /// <summary>The experts of tokens in a sparse layer.</summary>
    public ExpertRoutes Routes { get; }

    /// <summary>The single feed-forward layer of a dense layer.</summary>
    public ExpertRoutes Dense { get; }

    /// <summary>
    /// [choice, row], the shared experts last: the inner numbers of the feed-forward layer, which are the input of its
    /// down projection.
    /// </summary>
    public SharedRows Inner { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Hidden.Dispose();
        Update.Dispose();
        Logits.Dispose();
        Ratings.Dispose();
        Inner.Dispose();
    }
}
