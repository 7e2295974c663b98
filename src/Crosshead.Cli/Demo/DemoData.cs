using Crosshead.Cli.Terminal;
using Crosshead.Data.Batches;
using Crosshead.Data.Corpora;
using Crosshead.Data.Shards;
using Crosshead.Data.Sources;
using Crosshead.Files;
using Crosshead.Reports.Pages;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Training;

namespace Crosshead.Cli.Demo;

/// <summary>The demo's text, its tokenizer and its shards.</summary>
/// <param name="Folder">Folder of the shards.</param>
/// <param name="Tokenizer">The tokenizer trained on the text.</param>
/// <param name="Description">Description of the text.</param>
/// <param name="Prompt">Text that every sample continues.</param>
internal sealed record DemoData(string Folder, Tokenizer Tokenizer, string Description, string Prompt)
{
    // Enough for a tokenizer of this size; more text would only take longer.
    private const long TokenizerCharacters = 8_000_000;

    // About ten pages: a few hundred windows, some of them held out.
    private const long LeastCharacters = 60_000;

    private const string Remedy = "name a longer file, or several, or leave --text out for text that this machine has";

    /// <summary>Gathers the text, trains the tokenizer and writes the shards.</summary>
    /// <exception cref="CrossheadException">There is no text or too little, or a file cannot be read or written. The
    /// folder is then deleted if it was empty or missing before.</exception>
    public static DemoData Prepare(DemoOptions options, CommandOutput output, CancellationToken cancellation)
    {
        var wasEmpty = !Directory.Exists(options.Folder) || !Directory.EnumerateFileSystemEntries(options.Folder).Any();
        try
        {
            var data = Write(options, output, cancellation);
            RequireTokens(data);
            return data;
        }
        catch (CrossheadException)
        {
            // After an error the folder is deleted if it was empty or missing before.
            if (wasEmpty && Directory.Exists(options.Folder)) Directory.Delete(options.Folder, recursive: true);
            throw;
        }
    }

    private static DemoData Write(DemoOptions options, CommandOutput output, CancellationToken cancellation)
    {
        DemoFolder.Begin(options.Folder);
        var ownText = options.Texts.Count > 0;
        string[] inputs = ownText ? [.. options.Texts]
            : [WriteCorpus(Path.Combine(options.Folder, "corpus.txt"), output, cancellation)];

        Tokenizer tokenizer;
        using (ProgressLine counting = output.Progress("counting words", "characters"),
            merging = output.Progress("choosing merges", "tokens"))
        {
            tokenizer = BpeTrainer.Train(Documents(inputs, cancellation),
                new BpeTrainerOptions { VocabularySize = DemoPlan.VocabularySize },
                new ImmediateProgress<TokenizerTrainingProgress>(p => (p.Phase == TokenizerTrainingPhase.Counting
                    ? counting : merging).Report(p.Done, p.Total)), cancellation);
        }
        tokenizer.Save(Path.Combine(options.Folder, Tokenizer.FileName));

        var folder = Path.Combine(options.Folder, "data");
        using (var progress = output.Progress("encoding", "B"))
        {
            DataPreparation.Run(inputs, tokenizer, folder,
                new DataPreparationOptions { HeldOutFraction = 0.03, Overwrite = true },
                new ImmediateProgress<PreparationProgress>(p => progress.Report(p.BytesRead, p.TotalBytes)),
                cancellation);
        }
        return new DemoData(folder, tokenizer,
            ownText ? string.Join(", ", options.Texts.Select(Path.GetFileName))
                : "English prose of the .NET reference packs' XML documentation",
            ownText ? "The" : "Returns the");
    }

    /// <summary>
    /// Checks that there is enough text to train on, before anything is written. Reads no more than the check needs.
    /// </summary>
    /// <exception cref="CrossheadException">A file is missing, there is too little text, or the machine has no
    /// documentation of the reference packs.</exception>
    public static void Require(DemoOptions options)
    {
        if (options.Texts.Count > 0) RequireText(options.Texts);
        else _ = ReferencePackCorpus.Find();
    }

    private static void RequireText(IReadOnlyList<string> texts)
    {
        var (documents, characters) = (0, 0L);
        foreach (var document in new DocumentReader(texts, new SourceOptions()).Read())
        {
            (documents, characters) = (documents + 1, characters + document.Text.Length);
            if (documents > 1 && characters >= LeastCharacters) return;
        }
        var name = string.Join(", ", texts.Select(Path.GetFileName));
        throw new CrossheadException(characters < LeastCharacters
            ? $"--text {name} holds {ReportNumbers.Whole(characters)} characters; the demo needs "
            + $"{ReportNumbers.Whole(LeastCharacters)} or more to train on and to test on: {Remedy}."
            : $"--text {name} holds one document; the demo needs two or more, as it trains on some and tests on "
            + $"others: {Remedy}.");
    }

    // Text with few different words gives fewer tokens than its length suggests.
    private static void RequireTokens(DemoData data)
    {
        using var text = TokenDataset.Open(data.Folder);
        var (train, heldOut) = ((DemoPlan.Batch * DemoPlan.Context) + 1, DemoPlan.Context + 1);
        if (text.Train.Tokens < train || text.HeldOut.Tokens < heldOut)
            throw new CrossheadException($"the text makes {ReportNumbers.Whole(text.Train.Tokens)} tokens to train on "
                + $"and {ReportNumbers.Whole(text.HeldOut.Tokens)} to test on; the demo needs "
                + $"{ReportNumbers.Whole(train)} and {heldOut}: {Remedy}.");
    }

    private static string WriteCorpus(string path, CommandOutput output, CancellationToken cancellation)
    {
        using var progress = output.Progress("reading the documentation of the reference packs", "B");
        var corpus = ReferencePackCorpus.Find();
        AtomicFile.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true);
            foreach (var document in corpus.Documents())
            {
                cancellation.ThrowIfCancellationRequested();
                writer.Write(document);
                writer.Write("\n<|endoftext|>\n");
                progress.Report(stream.Position);
            }
        });
        return path;
    }

    private static IEnumerable<string> Documents(string[] inputs, CancellationToken cancellation)
    {
        var characters = 0L;
        foreach (var document in new DocumentReader(inputs, new SourceOptions()).Read())
        {
            cancellation.ThrowIfCancellationRequested();
            yield return document.Text;
            if ((characters += document.Text.Length) >= TokenizerCharacters) yield break;
        }
    }
}
