using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Cli.Chat;
using Crosshead.Cli.Client;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Generation;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead chat</c>: a conversation with a model in the terminal.</summary>
internal sealed class ChatCommand : CliCommand
{
    /// <summary>The command's name.</summary>
    public const string CommandName = "chat";

    private const int MaxTokens = 1024;

    private readonly Argument<string> _model = new("MODEL")
    {
        Description = "Model directory, or the address of a server with OpenAI's interface, such as "
            + "http://localhost:8080.",
    };
    private readonly Option<string?> _system = new("--system")
    {
        Description = "What the system says to the model before the conversation.",
        HelpName = "text",
    };
    private readonly Option<string?> _template = ChatTemplateOption.Create();
    private readonly SamplingArguments _sampling;
    private readonly Option<string?> _name = new("--model")
    {
        Description = "Name of the server's model; without it the server's first model.",
        HelpName = "name",
    };
    private readonly Option<string?> _key = ServerKeyOption.Create();
    private readonly Option<bool> _onlyOpenAi = OpenAiFieldsOption.Create("top_k, min_p, repetition_penalty");
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public ChatCommand() : base(CommandName,
        "Talk with a model in the terminal, line by line. /help lists the commands within a conversation. Ctrl-C ends "
        + "an answer; a second Ctrl-C, or one at the prompt, ends the chat. Piped input is answered line by line. A "
        + "wrong command in it is told and passed over, and the exit code is 2 in the end.",
        "crosshead chat models/llama --system \"Answer in one sentence.\" --temperature 0.7",
        "crosshead chat http://localhost:8080",
        "crosshead chat models/llama --json < questions.txt")
    {
        Arguments.Add(_model);
        Options.Add(_system);
        Options.Add(_template);
        _sampling = new SamplingArguments(this, MaxTokens);
        foreach (var option in new Option[] { _name, _key, _onlyOpenAi }) Options.Add(option);
        _compute = new ComputeOptions(this, "float32; bfloat16 is faster", decodes: true);
    }

    /// <inheritdoc/>
    public override string Stopping => "ending the chat";

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var options = _sampling.Options(arguments);
        options.Validate();
        var partner = ServerAddress.IsAddress(arguments.GetRequiredValue(_model)) ? Server(arguments, options)
            : Model(arguments, options);
        return (output, cancellation) =>
        {
            using var talks = partner(output, cancellation);
            var transcript = new ChatTranscript { System = arguments.GetValue(_system) };
            JsonObject Result() => new() { ["model"] = talks.Name, ["messages"] = transcript.ToJson() };
            int exitCode;
            try
            {
                exitCode = new ChatSession(talks, transcript, output).Run(cancellation);
            }
            catch (CrossheadException) when (transcript.HasAnswers)
            {
                output.Result(Result());
                throw;
            }
            output.Result(Result());
            return exitCode;
        };
    }

    private Func<CommandOutput, CancellationToken, IChatPartner> Server(ParseResult arguments,
        GenerationOptions options)
    {
        Refuse(arguments, "a server", "--device", "--dtype", "--threads", "--cache-type",
            "--activations", ChatTemplateOption.Name);
        var address = ServerAddress.Parse(arguments.GetRequiredValue(_model));
        var (key, name) = (ServerKeyOption.Value(_key, arguments), arguments.GetValue(_name));
        var onlyOpenAi = arguments.GetValue(_onlyOpenAi);
        return (_, cancellation) =>
        {
            var client = new ServerClient(address, key);
            var model = ServerModel.Find(client, name, cancellation).GetAwaiter().GetResult();
            return new ServerPartner(client, model.Name, options, onlyOpenAi);
        };
    }

    private Func<CommandOutput, CancellationToken, IChatPartner> Model(ParseResult arguments, GenerationOptions options)
    {
        Refuse(arguments, "a model directory", "--model", "--api-key", "--openai-fields-only");
        var files = ModelSource.Open(arguments.GetRequiredValue(_model), _compute.DecodesWithTensors(arguments));
        // A model without a template is refused before its weights are read.
        var template = arguments.GetValue(_template) is { } file ? files.Description.LoadChatTemplate(file)
            : files.ChatTemplate;
        var (type, device) = (_compute.Type(arguments) ?? ScalarType.Float32, _compute.DecodingDevice(arguments));
        var cache = _compute.Cache(arguments, type, device);
        var activations = _compute.Activations(arguments);
        return (output, _) =>
        {
            ModelRemarks.Tell(files.Remarks, output);
            return new ModelPartner(TextModel.Load(files, type, device, cache, activations), options,
                template);
        };
    }

    private void Refuse(ParseResult arguments, string partner, params string[] names) => arguments.Refuse(
        $"has no meaning for {partner}; leave it out.", [.. Options.Where(o => names.Contains(o.Name))]);
}
