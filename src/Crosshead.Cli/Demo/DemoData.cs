using Crosshead.Data;
using Crosshead.Data.Corpora;

namespace Crosshead.Cli.Demo;

/// <summary>The demo's text, its tokenizer and its shards.</summary>
/// <param name="Folder">Folder of the shards.</param>
/// <param name="Tokenizer">The tokenizer trained on the text.</param>
/// <param name="Description">What the text is, in words.</param>
/// <param name="Prompt">What the samples begin with.</param>
internal sealed record DemoData(string Folder, Tokenizer Tokenizer, string Description, string Prompt)
{
    // Enough for a tokenizer of this size; more would only take longer.
    private const long TokenizerCharacters = 8_000_000;

    /// <summary>Gathers the text, trains the tokenizer and writes the shards.</summary>
    /// <exception cref="CrossheadException">There is no text, or it cannot be read or written.</exception>
    public static DemoData Prepare(DemoOptions options, CommandOutput output, CancellationToken cancel)
    {
        Directory.CreateDirectory(options.Folder);
        var ownText = options.Texts.Count > 0;
        string[] inputs = ownText ? [.. options.Texts] : [WriteCorpus(Path.Combine(options.Folder, "corpus.txt"), output, cancel)];

        Tokenizer tokenizer;
        using (var progress = output.Progress("training the tokenizer", "characters"))
        {
            tokenizer = BpeTrainer.Train(Documents(inputs, cancel), new BpeTrainerOptions { VocabularySize = DemoPlan.VocabularySize },
                new Told<TokenizerTrainingProgress>(p => progress.Report(p.Done, p.Total)), cancel);
        }
        tokenizer.Save(Path.Combine(options.Folder, Tokenizer.FileName));

        var folder = Path.Combine(options.Folder, "data");
        using (var progress = output.Progress("encoding", "B"))
        {
            DataPreparation.Run(inputs, tokenizer, folder, new DataPreparationOptions { HeldOutFraction = 0.03, Overwrite = true },
                new Told<PreparationProgress>(p => progress.Report(p.BytesRead, p.TotalBytes)), cancel);
        }
        return new DemoData(folder, tokenizer,
            ownText ? string.Join(", ", options.Texts.Select(Path.GetFileName)) : "English prose of the .NET reference packs' XML documentation",
            ownText ? "The" : "Returns the");
    }

    private static string WriteCorpus(string path, CommandOutput output, CancellationToken cancel)
    {
        using var progress = output.Progress("reading the documentation of the reference packs", "B");
        var corpus = ReferencePackCorpus.Find();
        AtomicFile.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true);
            foreach (var document in corpus.Documents())
            {
                cancel.ThrowIfCancellationRequested();
                writer.Write(document);
                writer.Write("\n<|endoftext|>\n");
                progress.Report(stream.Position);
            }
        });
        return path;
    }

    private static IEnumerable<string> Documents(string[] inputs, CancellationToken cancel)
    {
        var characters = 0L;
        foreach (var document in new DocumentReader(inputs, new SourceOptions()).Read())
        {
            cancel.ThrowIfCancellationRequested();
            yield return document.Text;
            if ((characters += document.Text.Length) >= TokenizerCharacters) yield break;
        }
    }
}
