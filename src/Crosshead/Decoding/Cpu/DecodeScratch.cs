using Crosshead.Model;

namespace Crosshead.Decoding.Cpu;

/// <summary>Working memory of a decoder during a pass, except for attention.</summary>
internal sealed class DecodeScratch : IDisposable
{
    /// <summary>Allocates the memory.</summary>
    /// <param name="options">The model.</param>
    /// <param name="members">Number of threads.</param>
    public DecodeScratch(ModelOptions options, int members)
    {
        const int rows = PassBlock.MaxRows;
        var (experts, choices) = (options.Experts?.Count ?? 0, options.Experts?.PerToken ?? 1);
        var shared = options.Experts?.SharedInnerSize ?? 0;
        var inner = Math.Max(options.FeedForward, Math.Max(options.Experts?.InnerSize ?? 0, shared));
        Hidden = new Rows(rows, options.HiddenSize);
        Normed = [.. Enumerable.Range(0, members).Select(_ => new Rows(rows, options.HiddenSize))];
        Delta = new Rows(rows, options.HiddenSize);
        Update = new Rows(options.Block.Form == BlockForm.PreNorm ? 0 : rows, options.HiddenSize);
        Logits = new Rows(experts > 0 ? rows : 0, Math.Max(experts, 1));
        Ratings = new Rows(Logits.Count, Math.Max(experts, 1));
        Routes = new ExpertRoutes(choices);
        Dense = new ExpertRoutes(1);
        for (var r = 0; r < rows; r++) Dense[0, r] = (0, 1);
        var layers = choices + (shared > 0 ? 1 : 0); // that a token goes through
        Gate = new Rows(rows * layers, inner);
        Up = new Rows(rows * layers, inner);
    }

    /// <summary>[row]: the residual stream.</summary>
    public Rows Hidden { get; }

    /// <summary>[member][row]: the residual stream after a norm.</summary>
    public Rows[] Normed { get; }

    /// <summary>[row]: the addition of a layer to the residual stream.</summary>
    public Rows Delta { get; }

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
    /// [choice, row], the shared experts last: gate of the feed-forward layer, then its input to the down projection.
    /// </summary>
    public Rows Gate { get; }

    /// <summary>[choice, row], the shared experts last: up projection of the feed-forward layer.</summary>
    public Rows Up { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Hidden.Dispose();
        foreach (var rows in Normed) rows.Dispose();
        Delta.Dispose();
        Update.Dispose();
        Logits.Dispose();
        Ratings.Dispose();
        Gate.Dispose();
        Up.Dispose();
    }
}
