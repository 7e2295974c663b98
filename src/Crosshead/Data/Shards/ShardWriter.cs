using System.Buffers.Binary;
using System.IO.Hashing;

namespace Crosshead.Data.Shards;

/// <summary>
/// Writes the shards of one split: tokens are appended to a <c>.partial</c> file, which gets its final name when it is
/// full. <see cref="State"/>, saved after <see cref="Flush"/>, is enough to continue later: everything in the file
/// beyond it is cut off.
/// </summary>
internal sealed class ShardWriter : IDisposable
{
    private readonly string _directory;
    private readonly string _prefix;
    private readonly int _tokenBytes;
    private readonly List<ShardInfo> _finished;
    private readonly byte[] _buffer = new byte[1 << 16];
    private XxHash128 _hash = new();
    private FileStream? _stream;
    private long _tokens;
    private long _documents;
    private long _bytes;

    /// <summary>Begins, or continues from <paramref name="state"/>.</summary>
    public ShardWriter(string directory, DataSplit split, int tokenBytes, ShardWriterState state)
    {
        (_directory, _prefix, _tokenBytes) = (directory, PrefixOf(split), tokenBytes);
        _finished = [.. state.Finished];
        (_tokens, _documents, _bytes) = (state.Tokens, state.Documents, state.Bytes);
        if (_tokens > 0)
            Reopen();
    }

    /// <summary>The prefix of the names of a split's shards.</summary>
    public static string PrefixOf(DataSplit split) => split == DataSplit.Train ? "train" : "heldout";

    /// <summary>Finished shards and the open one.</summary>
    public ShardWriterState State =>
        new() { Finished = [.. _finished], Tokens = _tokens, Documents = _documents, Bytes = _bytes };

    /// <summary>Tokens in the file being written.</summary>
    public long OpenTokens => _tokens;

    /// <summary>Appends a document of <paramref name="textBytes"/> bytes of UTF-8.</summary>
    public void Append(ReadOnlySpan<int> tokens, long textBytes)
    {
        _stream ??= new FileStream(PartialPath, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 17);
        for (var rest = tokens; !rest.IsEmpty;)
        {
            var count = Math.Min(rest.Length, _buffer.Length / _tokenBytes);
            for (var i = 0; i < count; i++)
            {
                if (_tokenBytes == 2)
                    BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(i * 2), (ushort)rest[i]);
                else
                    BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(i * 4), (uint)rest[i]);
            }
            _stream.Write(_buffer, 0, count * _tokenBytes);
            _hash.Append(_buffer.AsSpan(0, count * _tokenBytes));
            rest = rest[count..];
        }
        _tokens += tokens.Length;
        _documents++;
        _bytes += textBytes;
    }

    /// <summary>Flushes everything appended so far to the disk.</summary>
    public void Flush() => _stream?.Flush(flushToDisk: true);

    /// <summary>Ends the current shard, if it is not empty.</summary>
    public void FinishShard()
    {
        if (_stream is null)
            return;
        Flush();
        _stream.Dispose();
        _stream = null;
        File.Move(PartialPath, FinalPath, overwrite: true);
        _finished.Add(new ShardInfo(Path.GetFileName(FinalPath), _tokens, _documents, _bytes,
            Convert.ToHexStringLower(_hash.GetCurrentHash())));
        (_tokens, _documents, _bytes, _hash) = (0, 0, 0, new XxHash128());
    }

    /// <summary>Closes the current file, which stays for later.</summary>
    public void Dispose() => _stream?.Dispose();

    private string FinalPath => Path.Combine(_directory, $"{_prefix}-{_finished.Count:D5}.bin");

    private string PartialPath => FinalPath + ".partial";

    private void Reopen()
    {
        // The shard may have been finished between two saved states.
        if (!File.Exists(PartialPath) && File.Exists(FinalPath))
            File.Move(FinalPath, PartialPath);
        if (!File.Exists(PartialPath) || new FileInfo(PartialPath).Length < _tokens * _tokenBytes)
            throw new CrossheadException($"{PartialPath} does not hold the {_tokens} tokens that "
                + $"{PreparationState.FileName} says; prepare the data again with {MessageTerm.Overwrite}.");
        _stream = new FileStream(PartialPath, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1 << 17);
        _stream.SetLength(_tokens * _tokenBytes);
        _hash.Append(_stream);
    }
}
