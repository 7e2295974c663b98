using System.Runtime.InteropServices;
using Crosshead.Data.Shards;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Training;

namespace Crosshead.Tests.Data.Shards;

/// <summary>A small corpus, a tokenizer for it, and what a prepared folder holds.</summary>
internal static class PreparedData
{
    public static readonly Tokenizer Small = BpeTrainer.Train(["the cat sat on the mat, the dog sat on the cat"],
        new() { VocabularySize = 270 });

    public static string Refused(TemporaryFolder folder, string output, DataPreparationOptions options)
    {
        var error = Assert.ThrowsAny<CrossheadException>(
            () => DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File(output), options)).Message;
        Assert.DoesNotContain('\n', error);
        return error;
    }

    public static List<string> WriteCorpus(TemporaryFolder folder, int documents)
    {
        var random = new Random(1);
        var texts = Enumerable.Range(0, documents).Select(i => $"{i} " + string.Concat(Enumerable.Range(0,
            random.Next(1, 40)).Select(_ => random.Next(3) == 0 ? "the cat " : "sat on日 "))).ToList();
        File.WriteAllLines(folder.File("in.jsonl"), texts.Select(text => $"{{\"text\":\"{text}\"}}"));
        return texts;
    }

    public static List<int> Tokens(string folder, SplitInfo split) => [.. split.Shards.SelectMany(shard =>
    {
        var bytes = File.ReadAllBytes(Path.Combine(folder, shard.File));
        Assert.Equal(shard.Xxh128, Convert.ToHexStringLower(System.IO.Hashing.XxHash128.Hash(bytes)));
        return bytes.Length == shard.Tokens * 2 ? MemoryMarshal.Cast<byte, ushort>(bytes).ToArray().Select(t => (int)t)
            : MemoryMarshal.Cast<byte, int>(bytes).ToArray();
    })];

    public static List<string> Documents(string folder, SplitInfo split)
    {
        var documents = new List<string>();
        var current = new List<int>();
        foreach (var token in Tokens(folder, split))
        {
            if (token != 0)
            {
                current.Add(token);
                continue;
            }
            documents.Add(Small.Decode(CollectionsMarshal.AsSpan(current)));
            current.Clear();
        }
        Assert.Empty(current);
        return documents;
    }

    public static List<string> Names(string folder) =>
        [.. Directory.GetFiles(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    public static Dictionary<string, string> Contents(string folder) =>
        Names(folder).ToDictionary(name => name, name => Convert.ToHexString(
        System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, name)))));

    public sealed class ImmediateProgress(Action<PreparationProgress> report) : IProgress<PreparationProgress>
    {
        public void Report(PreparationProgress value) => report(value);
    }
}
