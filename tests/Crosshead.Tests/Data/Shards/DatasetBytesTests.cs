using System.Security.Cryptography;
using System.Text;
using Crosshead.Data.Shards;
using Crosshead.Model;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Data.Shards;

/// <summary>
/// Every byte of two small data sets, so that a change of the code that writes them cannot change a file.
/// </summary>
public sealed class DatasetBytesTests
{
    [Fact]
    public void A_prepared_data_set_has_the_same_bytes_as_ever()
    {
        using var folder = new TemporaryFolder();
        PreparedData.WriteCorpus(folder, 300);
        File.SetLastWriteTimeUtc(folder.File("in.jsonl"), new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        DataPreparation.Run([folder.File("in.jsonl")], PreparedData.Small, folder.File("out"),
            new() { ShardTokens = 5000, HeldOutFraction = 0.1, Seed = 5 });
        Assert.Equal(
            """
            36bacaed22f636254bb5afe96f0e891d76c3aed8a3c89ea828b3f4b02c48d721 heldout-00000.bin
            2c835edc2c7c6cd822014afbfed8824912958488e8bf1ece17b5992267f3088d manifest.json
            2b287f5b2354ff6628e024d3fd9d436a5ecda9453956d7ea2ba428004c00e660 tokenizer.json
            21277e50e1b172fe6a875ca15514a47b3ec803ec873338497455d44f7750ffe2 tokenizer_config.json
            fcabb23b74dc80647ad04020732066ce59c46165276297a52884ee61ffa0a890 train-00000.bin
            9117be6d8f1084d89b77d03a9785a29d0413a6ee26e3a5ea3751d5fd0b4453d7 train-00001.bin
            1d1a6d0f995fcd6dcde9e765a2c2890eb29c3a2f5955b846019b67cdd2a75d2c train-00002.bin
            ec5b513a0944c190683d1fd5e54469ee92d9095e06d9ad8c2ca527b65d768654 train-00003.bin
            db81d83c2165f4a8d1f4c90d09035157d44fbd528547f75738364a92bc45e84f train-00004.bin
            """, Hashes(folder));
    }

    [Fact]
    public void A_generated_data_set_has_the_same_bytes_as_ever()
    {
        using var folder = new TemporaryFolder();
        using var model = Successor(PreparedData.Small.VocabularySize);
        var options = new DataGenerationOptions
        {
            Tokens = 700,
            Model = "m",
            WeightsHash = "w",
            Batch = 4,
            HeldOutFraction = 0.2,
            ShardTokens = 100,
            Seed = 5,
            Sampling = new() { Temperature = 0 },
            Prompts = ["the cat", "the dog sat", "mat"],
        };
        var manifest = DataGeneration.Run(model, PreparedData.Small, folder.File("out"), options);
        Assert.True(manifest.Train.Shards.Count > 2);
        Assert.Equal(
            """
            92ced6b4e0b7d6c878c55518b8662e4d495d32d23d4ad7bad89a88d7c8aac39a heldout-00000.bin
            2876df4d07ce1750ba8b10dbd8aaf419eccfca9410c45ae24dd6606bfacc5487 heldout-00001.bin
            0f2e1ec1c4a9c3ce1c52128908f3d30ea639e0cfd09d5b5129d63827e2979c28 manifest.json
            2b287f5b2354ff6628e024d3fd9d436a5ecda9453956d7ea2ba428004c00e660 tokenizer.json
            21277e50e1b172fe6a875ca15514a47b3ec803ec873338497455d44f7750ffe2 tokenizer_config.json
            dcf791d25bfcc782df4b157446d7f97a25d50afa5cbba7db92580f05f86851e1 train-00000.bin
            0b466225716afab4749ea7ec04cf916900fcfcd53da44e9e5add5aea96db78c5 train-00001.bin
            4e9f2472080e11c81f7cfa6e8d3fbf55838905e3873e17172a6961a3e1e8f29f train-00002.bin
            dcf791d25bfcc782df4b157446d7f97a25d50afa5cbba7db92580f05f86851e1 train-00003.bin
            81ed68d8820524a271a78e54e2b693d8bc04461725defe684a337432af1ca2ef train-00004.bin
            """, Hashes(folder));
    }

    // A model that always writes token 7t + 3 after t. Results of libtorch depend on the processor in their last
    // digits, so the choice must be clear: layers add nothing, vectors of tokens are ±1, and the head's row of a token
    // is its predecessor's vector. A product of equal vectors is then 32, of different ones at most 30, times one
    // factor.
    private static LanguageModel Successor(int vocabulary)
    {
        const int Hidden = 32;
        var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = vocabulary,
            HiddenSize = Hidden,
            Layers = 1,
            Context = 32,
            Attention = new() { Heads = 2 },
        });
        model.Initialize(1);
        using var grad = no_grad();
        foreach (var parameter in model.Parameters.Where(p => p.Name.EndsWith("o_proj.weight", StringComparison.Ordinal)
            || p.Name.EndsWith("down_proj.weight", StringComparison.Ordinal)))
            parameter.Value.zero_();
        var random = new Random(1);
        var vectors = new float[vocabulary, Hidden];
        var successors = new float[vocabulary, Hidden];
        for (var token = 0; token < vocabulary; token++)
            for (var i = 0; i < Hidden; i++)
                vectors[token, i] = successors[((7 * token) + 3) % vocabulary, i] = random.Next(2) == 0 ? -1 : 1;
        Set("embed_tokens.weight", vectors);
        Set("lm_head.weight", successors);
        return model;

        void Set(string name, float[,] values)
        {
            using var tensor = from_array(values);
            model.Parameters.Single(p => p.Name.EndsWith(name, StringComparison.Ordinal)).Value.copy_(tensor);
        }
    }

    // A line a file; the manifest without the folder's name and the version.
    private static string Hashes(TemporaryFolder folder) =>
        string.Join('\n', PreparedData.Names(folder.File("out")).Select(name =>
        {
            var bytes = File.ReadAllBytes(folder.File($"out/{name}"));
            if (name == DatasetManifest.FileName)
            {
                var text = Encoding.UTF8.GetString(bytes);
                bytes = Encoding.UTF8.GetBytes(text.Replace(folder.File("in.jsonl"), "in.jsonl")
                    .Replace($"\"crosshead\": \"{DatasetManifest.Load(folder.File("out")).Crosshead}\"", ""));
            }
            return $"{Convert.ToHexStringLower(SHA256.HashData(bytes))} {name}";
        }));
}
