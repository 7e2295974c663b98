using System.Reflection;
using NetArchTest.Rules;

namespace Crosshead.Tests.Architecture;

public sealed class LayeringTests
{
    private static readonly Assembly s_library = typeof(CrossheadException).Assembly;

    private static readonly string[] s_ground = ["Files"];
    private static readonly string[] s_model =
        ["Files", "Model", "Attention", "Layers", "Kernels", "Weights", "Runtime"];

    /// <summary>Each layer with those it may use. Dependencies point one way.</summary>
    private static readonly Dictionary<string, string[]> s_allowed = new()
    {
        ["Files"] = [],
        ["Text"] = ["Files"],
        ["Data"] = ["Text", "Files"],
        ["Runtime"] = ["Files"],
        ["Weights"] = [.. s_ground, "Runtime"],
        ["Kernels"] = [.. s_ground, "Weights", "Runtime"],
        ["Layers"] = [.. s_ground, "Kernels", "Weights", "Runtime"],
        ["Attention"] = [.. s_ground, "Layers", "Kernels", "Weights", "Runtime"],
        ["Model"] = [.. s_ground, "Attention", "Layers", "Kernels", "Weights", "Runtime"],
        ["Checkpoints"] = [.. s_model, "Text"],
        ["Decoding"] = s_model,
        ["Generation"] = [.. s_model, "Decoding", "Text"],
        ["Serving"] = [.. s_model, "Decoding", "Generation", "Text"],
        ["TextModels"] = [.. s_model, "Decoding", "Generation", "Serving", "Checkpoints", "Text", "Data"],
        ["Evaluation"] = [.. s_model, "Generation", "TextModels", "Checkpoints", "Text", "Data"],
        ["Compression"] = [.. s_model, "TextModels", "Checkpoints", "Text"],
        ["Training"] = [.. s_model, "Checkpoints", "Text", "Data"],
        ["Reports"] = ["Files", "Training", "Evaluation", "Compression"],
    };

    public static TheoryData<string> Layers => [.. s_allowed.Keys];

    [Theory]
    [MemberData(nameof(Layers))]
    public void A_layer_uses_only_those_below_it(string layer)
    {
        var forbidden = s_allowed.Keys.Where(l => l != layer && !s_allowed[layer].Contains(l)).Select(Namespace)
            .Concat(["Crosshead.Cli", "Crosshead.Server"]).ToArray();
        AssertNone(layer, forbidden);
    }

    [Theory]
    [InlineData("Files")]
    [InlineData("Text")]
    [InlineData("Data")]
    [InlineData("Reports")]
    public void A_layer_that_needs_no_tensors_does_not_know_them(string layer) =>
        AssertNone(layer, "TorchSharp", Namespace("Runtime"));

    [Fact]
    public void Every_namespace_of_the_library_is_a_known_layer()
    {
        var unknown = s_library.GetTypes().Select(t => t.Namespace ?? "")
            .Where(n => n.StartsWith("Crosshead.", StringComparison.Ordinal))
            .Select(n => n.Split('.')[1]).Distinct().Except(s_allowed.Keys);
        Assert.Empty(unknown);
    }

    [Fact]
    public void Only_the_command_line_knows_the_packages_of_the_command_line() => Assert.Empty(
        Types.InAssembly(s_library).That().HaveDependencyOnAny("System.CommandLine", "Spectre.Console").GetTypes());

    [Fact]
    public void The_command_line_sees_of_the_library_what_everybody_sees() => Assert.DoesNotContain(
        s_library.GetCustomAttributes<System.Runtime.CompilerServices.InternalsVisibleToAttribute>(), friend =>
            friend.AssemblyName.Contains("Cli"));

    [Fact]
    public void The_rules_see_a_dependency_where_there_is_one() =>
        Assert.NotEmpty(Types.InAssembly(s_library).That().ResideInNamespace(Namespace("Model")).And()
            .HaveDependencyOnAny(Namespace("Attention")).GetTypes());

    private static string Namespace(string layer) => $"Crosshead.{layer}";

    private static void AssertNone(string layer, params string[] forbidden)
    {
        // Text is not TextModels
        var types = Types.InAssembly(s_library).That().ResideInNamespaceMatching($@"^Crosshead\.{layer}(\.|$)");
        Assert.NotEmpty(types.GetTypes());
        Assert.Empty(types.And().HaveDependencyOnAny(forbidden).GetTypes()
            .Select(t => $"{t.FullName} uses one of {string.Join(", ", forbidden)}"));
    }
}
