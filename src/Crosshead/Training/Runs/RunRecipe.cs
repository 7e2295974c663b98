using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Model;
using Crosshead.Training.Recipes;

namespace Crosshead.Training.Runs;

/// <summary>
/// Reads the recipe of a run whose model may be that of the directory it starts from or goes on with.
/// </summary>
public static class RunRecipe
{
    private const string Model = "model";

    // Members that say how weights start, which a model that has weights does not remember.
    private static readonly string[] Starts = ["initializerRange", "attention.mixStart", "attention.headNormStart"];

    /// <summary>
    /// Reads the recipe of a run. Where it describes no model, the model is that of the directory the run starts from,
    /// or of the checkpoint that it resumes.
    /// </summary>
    /// <param name="path">The recipe.</param>
    /// <param name="overrides">Values set last.</param>
    /// <param name="run">How the recipe is run.</param>
    /// <exception cref="CrossheadException">As for a recipe alone; it describes no model and the run starts from none;
    /// or it contradicts the model.</exception>
    public static Recipe Load(string path, IEnumerable<string> overrides, RunOptions run)
    {
        var document = RecipeReader.ReadDocument(path, overrides);
        if (run.From is { } from)
        {
            if (!Path.Exists(from)) throw Missing(from);
            var options = ModelDescription.Of(from).Options;
            if (document[Model] is JsonObject described) RequireSame(described, options, path, from);
            else document[Model] = Node(options);
        }
        else if (run.Resume && document[Model] is null && run.Folder is { } folder
            && new CheckpointFolder(CheckpointFolder.In(folder)).Newest is { } newest)
            document[Model] = Node(CheckpointState.Read(newest).Recipe.Model);
        else if (document[Model] is null && !run.Resume)
            throw new CrossheadException($"{path} describes no model: it is for a model that exists; name its "
                + $"directory with {MessageTerm.From}.");
        return RecipeReader.Bind(document, path);
    }

    /// <summary>The error to show where a run is to start from a folder that does not exist.</summary>
    internal static CrossheadException Missing(string from) =>
        new($"{MessageTerm.From} \"{from}\" is no model directory; name a folder that holds "
            + $"{ModelFileNames.Configuration} and {ModelFileNames.Weights}, or a GGUF file.");

    private static void RequireSame(JsonObject described, ModelOptions options, string path, string from)
    {
        var model = Node(options);
        var asDescribed = model.DeepClone().AsObject();
        RecipeJson.Merge(asDescribed, described);
        var here = RecipeJson.Leaves(Node(asDescribed.Deserialize<ModelOptions>(RecipeJson.Options)!))
            .ToDictionary(l => l.Path, l => l.Value);
        var different = RecipeJson.Leaves(model)
            .Where(l => !Starts.Contains(l.Path) && here[l.Path] != l.Value)
            .Select(l => $"model.{l.Path} is {here[l.Path]}, not {l.Value}").ToArray();
        if (different.Length > 0)
            throw new CrossheadException($"{path} describes another model than {MessageTerm.From} \"{from}\": "
                + $"{string.Join(", ", different)}; leave \"model\" out of the recipe to take the model as it is.");
    }

    // With the defaults that follow from other members resolved, as config.json has them.
    private static JsonObject Node(ModelOptions options)
    {
        var resolved = options with
        {
            FeedForwardSize = options.FeedForward,
            Attention = options.Attention with { KeyValueHeads = options.Attention.Groups, HeadDim = options.HeadDim },
        };
        return JsonSerializer.SerializeToNode(resolved, RecipeJson.Options)!.AsObject();
    }
}
