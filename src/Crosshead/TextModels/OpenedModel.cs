using Crosshead.Checkpoints;
using Crosshead.Runtime;
using Crosshead.Text.Tokenizers;

namespace Crosshead.TextModels;

/// <summary>
/// A model's open files, which fit each other according to their headers. Its tokenizer is read meanwhile.
/// </summary>
internal sealed class OpenedModel : IDisposable
{
    private static Ahead? s_ahead;

    private readonly Task<Tokenizer> _tokenizer;

    private OpenedModel(string path, bool forTensors, bool readsAgain = false)
    {
        (Description, Weights) = ModelDescription.Open(path,
            forTensors ? FirstLook.None : readsAgain ? FirstLook.InMap : FirstLook.Copied);
        // It takes part of a second, and so do the first look at the weights and libtorch.
        _tokenizer = Task.Run(Description.LoadTokenizer);
        try
        {
            if (forTensors) LibTorch.EnsureLoaded();
            Weights.Check(Description.Options);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What the files say about the model.</summary>
    public ModelDescription Description { get; }

    /// <summary>The weights.</summary>
    public IModelWeights Weights { get; }

    /// <summary>Waits for the tokenizer.</summary>
    /// <exception cref="CrossheadException">It is missing, damaged, or not supported.</exception>
    public Tokenizer Tokenizer => _tokenizer.GetAwaiter().GetResult();

    /// <summary>Begins to open a model without tensors on another thread, for the next <see cref="Open"/>.</summary>
    /// <param name="path">The model.</param>
    /// <param name="readsAgain">As for <see cref="ModelSource.Begin"/>.</param>
    public static Task<OpenedModel> Begin(string path, bool readsAgain = false)
    {
        var model = Task.Run(() => new OpenedModel(path, forTensors: false, readsAgain));
        s_ahead = new Ahead(path, model);
        return model;
    }

    /// <summary>Opens a model, or waits for the one that was begun. That is closed if it is another one.</summary>
    /// <param name="path">The model.</param>
    /// <param name="forTensors">Whether libtorch is loaded, and no look at the weights begins.</param>
    /// <exception cref="CrossheadException">A part is missing or damaged, or contradicts another.</exception>
    public static OpenedModel Open(string path, bool forTensors)
    {
        if (Interlocked.Exchange(ref s_ahead, null) is not { } ahead) return new(path, forTensors);
        if (ahead.Path == path && !forTensors) return ahead.Model.GetAwaiter().GetResult();
        ahead.Model.ContinueWith(t => t.Result.Dispose(), TaskContinuationOptions.OnlyOnRanToCompletion);
        return new(path, forTensors);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Task.WaitAny(_tokenizer); // it may read the file of the weights
        Weights.Dispose();
    }

    private sealed record Ahead(string Path, Task<OpenedModel> Model);
}
