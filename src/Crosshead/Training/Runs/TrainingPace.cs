using System.Diagnostics;

namespace Crosshead.Training.Runs;

/// <summary>The speed of a run, by the clock.</summary>
internal sealed class TrainingPace(long tokensPerStep)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _steps, _stepsAtMark;
    private double _training, _trainingAtMark, _recent; // seconds

    /// <summary>Time since the run began in this process.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>Tokens per second while training, over all steps of this process.</summary>
    public double TokensPerSecond => Speed(_steps, _training);

    /// <summary>Tokens per second while training, with more weight on recent steps.</summary>
    public double RecentTokensPerSecond => Speed(1, _recent);

    /// <summary>Tokens per second of the last step.</summary>
    public double LastTokensPerSecond { get; private set; }

    /// <summary>
    /// Adds a step that took the time since <paramref name="start"/>, a value of <see cref="Elapsed"/>.
    /// </summary>
    public void Add(TimeSpan start)
    {
        var seconds = (Elapsed - start).TotalSeconds;
        // The first step is slow because everything is set up in it.
        _recent = _steps <= 1 ? seconds : (0.9 * _recent) + (0.1 * seconds);
        _training += seconds;
        _steps++;
        LastTokensPerSecond = Speed(1, seconds);
    }

    /// <summary>Tokens per second while training, since the last call of this method.</summary>
    public double Mark()
    {
        var speed = Speed(_steps - _stepsAtMark, _training - _trainingAtMark);
        (_stepsAtMark, _trainingAtMark) = (_steps, _training);
        return speed;
    }

    /// <summary>Time for a number of further steps, including their evaluations and checkpoints.</summary>
    public TimeSpan TimeFor(long steps) => _steps == 0 ? TimeSpan.Zero : Elapsed / _steps * steps;

    private double Speed(long steps, double seconds) => seconds > 0 ? steps * tokensPerStep / seconds : 0;
}
