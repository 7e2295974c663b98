using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Crosshead.Benchmarks.Survival;

/// <summary>A <c>crosshead serve</c> in a process of its own, its log and its memory.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private const int Terminate = 15;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly Process _process;
    private readonly List<string> _log = [];
    private readonly TaskCompletionSource<Uri> _listens = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServerProcess(Process process)
    {
        _process = process;
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
    }

    /// <summary>Sends requests to it.</summary>
    public Client Client { get; private set; } = null!;

    /// <summary>The lines of its log so far.</summary>
    public string[] Log
    {
        get
        {
            lock (_log) return [.. _log];
        }
    }

    /// <summary>Starts a server on any free port, and waits until it is ready.</summary>
    public static async Task<ServerProcess> StartAsync(string model, params string[] options)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "Crosshead.Cli.dll"), "serve", model, "--port",
                "0" },
        };
        foreach (var option in options) start.ArgumentList.Add(option);
        var server = new ServerProcess(Process.Start(start)!);
        var ended = server._process.WaitForExitAsync();
        if (await Task.WhenAny(server._listens.Task, ended) == ended)
            throw new InvalidOperationException($"the server did not start: {string.Join('\n', server.Log)}");
        server.Client = new Client(await server._listens.Task);
        while (!await server.Client.IsReadyAsync()) await Task.Delay(20);
        return server;
    }

    /// <summary>Its memory now, in KiB.</summary>
    /// <param name="name">VmRSS for all, RssAnon for what no file backs, VmSwap, or VmHWM for the most so far.</param>
    public long Memory(string name)
    {
        var line = File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith(name + ":",
            StringComparison.Ordinal));
        return long.Parse(Number().Match(line).ValueSpan, CultureInfo.InvariantCulture);
    }

    /// <summary>Begins to look for the most memory anew.</summary>
    public void ForgetPeak() => File.WriteAllText($"/proc/{_process.Id}/clear_refs", "5");

    /// <summary>
    /// Waits until nothing runs and nothing waits, and checks that no page is held then.
    /// </summary>
    /// <returns>Seconds that it took.</returns>
    public async Task<double> IdleAsync()
    {
        var clock = Stopwatch.StartNew();
        for (; ; )
        {
            var now = await Client.MetricsAsync();
            var held = await Client.PagesAsync() - now["pages_free"] - now["pages_cached"];
            if ((now["num_requests_running"], now["num_requests_waiting"], held) == (0, 0, 0))
                return clock.Elapsed.TotalSeconds;
            if (clock.Elapsed > s_patience)
                throw new InvalidOperationException($"{now["num_requests_running"]} run, "
                    + $"{now["num_requests_waiting"]} wait, {held} pages are held.");
            await Task.Delay(10);
        }
    }

    /// <summary>Sends SIGTERM.</summary>
    public void Stop() => _ = Kill(_process.Id, Terminate);

    /// <summary>Waits for the end, and tells the exit code.</summary>
    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(s_patience);
        return _process.ExitCode;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_process.HasExited) Stop();
        try
        {
            await ExitCodeAsync();
        }
        catch (TimeoutException)
        {
            _process.Kill();
        }
        _process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null) return;
        lock (_log) _log.Add(line);
        if (Listening().Match(line) is { Success: true } found) _listens.TrySetResult(new Uri(found.Groups[1].Value));
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    [GeneratedRegex("listening at (http://[^;]*/);")]
    private static partial Regex Listening();

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Number();
}
