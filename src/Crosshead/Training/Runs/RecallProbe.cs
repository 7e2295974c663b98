using Crosshead.Data.Recall;
using Crosshead.Model;
using Crosshead.Text.Tokenizers;
using Crosshead.Training.Recipes;
using static TorchSharp.torch;

namespace Crosshead.Training.Runs;

/// <summary>
/// Measures what a model recalls: in texts of recall tasks, the share of answers whose tokens all have the highest
/// logit when the model reads the right text before them. Every rank measures the same.
/// </summary>
internal sealed class RecallProbe
{
    private const long Seed = 1, MostLogits = 1 << 27; // at once

    private readonly IReadOnlyList<(string Task, RecallTokens[] Texts)> _tasks;
    private readonly long _mostTokens; // of a batch

    private RecallProbe(IReadOnlyList<(string, RecallTokens[])> tasks, long mostTokens) =>
        (_tasks, _mostTokens) = (tasks, mostTokens);

    /// <summary>Makes the texts that a recipe names; null if it names none.</summary>
    /// <exception cref="CrossheadException">The data have no tokenizer, the tokenizer changes the texts, or a text is
    /// longer than the training's sequences.</exception>
    public static RecallProbe? Of(Recipe recipe, ITrainingData data)
    {
        if (recipe.Training.Probes is not { } options) return null;
        if (data.TokenizerFile is not { } file)
            throw new CrossheadException("training.probes needs the tokenizer of the data, and its folder holds none; "
                + "prepare the data again, or set training.probes to null.");
        var tokenizer = Tokenizer.Load(file);
        var first = recipe.Data.BeginToken ? data.BeginToken : data.EndToken;
        RecallTokens[] Texts(RecallTask task) => [.. Enumerable.Range(0, options.Texts)
            .Select(i => RecallTokens.Of(task.Write(Seed, RecallPurpose.Probe, i), tokenizer, first))];
        var tasks = options.Recall.Select(name => (name, Texts(RecallTask.Parse(name)))).ToArray();
        foreach (var (name, texts) in tasks)
            if (texts.Max(t => t.Tokens.Length) is var longest && longest > recipe.Context)
                throw new CrossheadException($"training.probes: texts of {name} have up to {longest} tokens, more than "
                    + $"the context ({recipe.Context}); name a smaller size.");
        return new(tasks, recipe.Training.Batch * (long)recipe.Context);
    }

    /// <summary>The share of right answers of each task, 0 to 1.</summary>
    public IReadOnlyDictionary<string, double> Of(LanguageModel model) =>
        _tasks.ToDictionary(t => t.Task, t => Share(model, t.Texts));

    private double Share(LanguageModel model, RecallTokens[] texts)
    {
        using var grad = no_grad();
        var width = texts.Max(t => t.Tokens.Length);
        var right = texts.Chunk((int)Math.Max(1, _mostTokens / width)).Sum(some => Right(model, some, width));
        return (double)right / texts.Sum(t => t.Answers.Count);
    }

    private static int Right(LanguageModel model, RecallTokens[] texts, int width)
    {
        using var scope = NewDisposeScope();
        // No token sees what fills up its row behind it.
        var tokens = new long[texts.Length * width];
        foreach (var (row, text) in texts.Index())
            Array.Copy(text.Tokens, 0, tokens, row * width, text.Tokens.Length);
        var hidden = model.Hidden(On(tokens).view(texts.Length, width)).flatten(0, 1);            // [B·N,D]
        // The token before a place predicts it.
        long[] before = [
            .. texts.SelectMany((text, row) => text.Places.Select(place => (row * (long)width) + place - 1))];
        var likeliest = new List<long>(before.Length);
        foreach (var some in before.Chunk((int)Math.Max(1, MostLogits / model.Options.VocabularySize)))
        {
            using var part = NewDisposeScope();
            likeliest.AddRange(model.Head(hidden.index_select(0, On(some))).argmax(-1).cpu().data<long>().ToArray());
        }
        var (right, next) = (0, 0);
        foreach (var text in texts)
        {
            var count = text.Places.Count();
            right += text.Right([.. likeliest.Skip(next).Take(count)]);
            next += count;
        }
        return right;

        Tensor On(long[] numbers) => tensor(numbers, ScalarType.Int64).to(model.Device);
    }
}
