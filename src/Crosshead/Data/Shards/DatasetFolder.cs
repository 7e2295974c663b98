using System.Reflection;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Data.Shards;

/// <summary>
/// A data folder in preparation: recognised if it is complete, otherwise continued, and finished with its manifest.
/// </summary>
/// <param name="directory">The folder.</param>
/// <param name="request">The requested contents.</param>
/// <param name="tokenizer">The tokenizer of its tokens; a copy is put in the folder.</param>
/// <param name="endToken">The token that ends a document.</param>
/// <param name="overwrite">Whether to start again, whatever the folder holds.</param>
/// <param name="remedy">The command that makes it, for messages.</param>
internal sealed class DatasetFolder(string directory, PreparationRequest request, Tokenizer tokenizer, int endToken,
    bool overwrite, string remedy)
{
    /// <summary>The folder.</summary>
    public string Directory => directory;

    /// <summary>The requested contents.</summary>
    public PreparationRequest Request => request;

    /// <summary>Bytes of a token in the shards.</summary>
    public int TokenBytes => tokenizer.VocabularySize <= 1 << 16 ? 2 : 4;

    /// <summary>
    /// Refuses a folder with other data, complete or unfinished, or with another tokenizer than of data. Nothing is
    /// changed.
    /// </summary>
    /// <exception cref="CrossheadException">It holds other data, or another tokenizer.</exception>
    public void Require()
    {
        RequireNoOtherTokenizer();
        if (overwrite || !System.IO.Directory.Exists(directory)) return;
        if (File.Exists(Path.Combine(directory, DatasetManifest.FileName))) _ = TryReuse();
        else if (File.Exists(Path.Combine(directory, PreparationState.FileName))) _ = Begin();
    }

    /// <summary>The manifest of a folder that already holds the requested data; null if there is work to do.</summary>
    /// <exception cref="CrossheadException">It holds other data, or another tokenizer.</exception>
    public DatasetManifest? TryReuse()
    {
        RequireNoOtherTokenizer();
        if (!File.Exists(Path.Combine(directory, DatasetManifest.FileName)) || overwrite)
            return null;
        var manifest = DatasetManifest.Load(directory);
        if (request.DifferenceFrom(manifest.Request) is { } difference)
            throw new DataMismatchException($"{directory} holds data that was prepared otherwise: {difference}; use "
                + $"{MessageTerm.Overwrite} or another folder.");
        manifest.RequireShards(directory);
        return manifest;
    }

    /// <summary>
    /// The state of an unfinished preparation, or the start of a new one after an earlier data set was removed.
    /// </summary>
    /// <exception cref="CrossheadException">The folder holds the beginning of other data.</exception>
    public PreparationState Begin()
    {
        var path = Path.Combine(directory, PreparationState.FileName);
        if (File.Exists(path) && !overwrite)
        {
            var found = DataJson.Read<PreparationState>(path, $"{remedy} again with {MessageTerm.Overwrite}.");
            if (request.DifferenceFrom(found.Request) is { } difference)
                throw new DataMismatchException($"{directory} holds an unfinished preparation of other data: "
                    + $"{difference}; use {MessageTerm.Overwrite} or another folder.");
            if (found.Source < 0 || found.Source > request.Sources.Count || found.Index < 0)
                throw new CrossheadException($"{path} stands at document {found.Index} of input {found.Source}, but "
                    + $"there are {request.Sources.Count} inputs; {remedy} again with {MessageTerm.Overwrite}.");
            return found;
        }
        Clear();
        var state = new PreparationState { Request = request };
        Save(state);
        return state;
    }

    /// <summary>The writers of both parts, at the position of a state.</summary>
    public (ShardWriter Train, ShardWriter HeldOut) Writers(PreparationState state) =>
        (new ShardWriter(directory, DataSplit.Train, TokenBytes, state.Train),
            new ShardWriter(directory, DataSplit.HeldOut, TokenBytes, state.HeldOut));

    /// <summary>Flushes everything to the disk, and returns the state including it.</summary>
    public PreparationState Keep(PreparationState state, ShardWriter train, ShardWriter heldOut)
    {
        train.Flush();
        heldOut.Flush();
        state = state with { Train = train.State, HeldOut = heldOut.State };
        Save(state);
        return state;
    }

    /// <summary>Writes the state of an unfinished preparation.</summary>
    public void Save(PreparationState state) =>
        DataJson.Write(Path.Combine(directory, PreparationState.FileName), state);

    /// <summary>Removes all files of a data set.</summary>
    public void Clear() => PreparationFolder.Clear(directory);

    /// <summary>Copies the tokenizer and writes the manifest over finished shards.</summary>
    public DatasetManifest Finish(SplitInfo train, SplitInfo heldOut, long rowsLeftOut = 0)
    {
        tokenizer.Save(directory);
        var manifest = new DatasetManifest
        {
            Version = DatasetManifest.CurrentVersion,
            Crosshead = typeof(DatasetFolder)
                .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
            Dtype = TokenBytes == 2 ? "uint16" : "uint32",
            VocabularySize = tokenizer.VocabularySize,
            EndTokenId = endToken,
            Train = train,
            HeldOut = heldOut,
            Request = request,
            RowsLeftOut = rowsLeftOut,
        };
        DataJson.Write(Path.Combine(directory, DatasetManifest.FileName), manifest);
        File.Delete(Path.Combine(directory, PreparationState.FileName));
        PreparationFolder.RemoveShardsBut(directory, train.Shards.Concat(heldOut.Shards));
        return manifest;
    }

    // A tokenizer that no data set left here is a model's, or the only copy: the data set's would replace it.
    private void RequireNoOtherTokenizer()
    {
        if (File.Exists(Path.Combine(directory, DatasetManifest.FileName))
            || File.Exists(Path.Combine(directory, PreparationState.FileName))
            || TokenizerFiles.Find(directory) is not { } found || tokenizer.IsIn(found)) return;
        throw new CrossheadException($"{directory} holds another tokenizer, {Path.GetFileName(found)}, which that of "
            + "the data would replace; name another folder.");
    }
}
