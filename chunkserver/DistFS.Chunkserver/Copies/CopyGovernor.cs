namespace DistFS.Chunkserver.Copies;

/// <summary>
/// How fast a server's copies may be, so that its clients do not feel them too much (docs/design/placement.md). Pure:
/// it is told four times a second what requests took, and whether copies were made meanwhile.
/// </summary>
/// <remarks>
/// The 99th percentile of each kind of requests is compared with its own without copies. What it is above that, the
/// excess, is to be two fifths of it; so the rate is multiplied by the root of the excess wanted over the excess that
/// is. If the excess grows like the rate, each step halves the distance (of the logarithms), from the same side; up to
/// the square of the rate it does not overshoot, and up to the fourth power it settles.
/// </remarks>
internal sealed class CopyGovernor
{
    /// <summary>Steps in a second.</summary>
    public const int StepsPerSecond = 4;

    /// <summary>Whatever clients feel: data at risk must not wait for ever.</summary>
    public const long BytesPerSecondMin = 8L << 20;

    /// <summary>Where copies begin beside clients; from there four times as much is two seconds away.</summary>
    public const long BytesPerSecondBegin = 2 * BytesPerSecondMin;

    /// <summary>What clients may feel: the percentile in percent of what it is without copies.</summary>
    public const int PercentWanted = 140;

    /// <summary>A decision is made of so many requests, or of those of a second.</summary>
    private const int Enough = 400;

    /// <summary>Of fewer in a second nothing is said: there is hardly anybody to feel it.</summary>
    private const int Few = 20;

    /// <summary>After so long with copies, what is without them is looked at again: for so long.</summary>
    private const int ProbeEverySteps = 30 * StepsPerSecond;
    private const int ProbeSteps = 2;

    private readonly double[] _quiet = new double[LatencyWindow.Kinds];
    private readonly LatencyWindow _window = new();
    private double _rate;
    private int _steps;
    private int _sinceProbe;
    private int _probing;
    private bool _wasCopying;
    private bool _isWatched;

    /// <summary>What copies may take here, and what may be taken from here, each.</summary>
    public long BytesPerSecond => _probing > 0 ? BytesPerSecondMin : (long)_rate;

    /// <summary>What clients felt last, in percent of what it is without copies; 0: not known.</summary>
    public int Percent { get; private set; }

    /// <summary>A quarter of a second has passed.</summary>
    /// <param name="requests">What clients asked for in it.</param>
    /// <param name="isCopying">Whether copies went on.</param>
    /// <param name="limit">At most so many bytes per second, whatever clients feel.</param>
    public void Step(LatencyWindow requests, bool isCopying, long limit)
    {
        limit = Math.Max(limit, BytesPerSecondMin);
        if (isCopying != _wasCopying)
        {
            _wasCopying = isCopying;
            (_probing, _sinceProbe, Percent) = (0, 0, 0);
            StartWindow();
        }

        _steps++;
        _window.Add(requests);
        if (_probing > 0)
        {
            StepProbe(requests);
        }
        else if (_window.Count >= Enough || _steps >= StepsPerSecond)
        {
            if (isCopying)
            {
                Decide(limit);
            }
            else
            {
                LearnQuiet();
            }

            StartWindow();
        }

        if (!isCopying)
        {
            // Beside clients the next copies begin slowly: what they feel is known only afterwards.
            _rate = _isWatched ? BytesPerSecondBegin : limit;
        }

        _rate = Math.Clamp(_rate, BytesPerSecondMin, limit);
    }

    private void StartWindow()
    {
        _window.Clear();
        _steps = 0;
    }

    /// <summary>Without copies: what is usual now.</summary>
    private void LearnQuiet()
    {
        _isWatched = _window.Count >= Few;
        for (var kind = 0; kind < LatencyWindow.Kinds; kind++)
        {
            if (_window.CountOf(kind) >= Few)
            {
                var now = _window.Percentile99(kind);
                _quiet[kind] += _quiet[kind] == 0 ? now : (now - _quiet[kind]) / 8;
            }
        }
    }

    private void Decide(long limit)
    {
        _isWatched = _window.Count >= Few;
        if (!_isWatched)
        {
            // Nobody is there to feel it.
            (Percent, _rate) = (0, _rate * 2);
            return;
        }

        Percent = Compare();
        _sinceProbe += _steps;
        if (Percent == 0 || (_sinceProbe >= ProbeEverySteps && _rate > BytesPerSecondMin))
        {
            // How it would be without copies is not known, or no more.
            (_probing, _sinceProbe) = (ProbeSteps + 1, 0);
            return;
        }

        const double Wanted = PercentWanted - 100;
        _rate *= Math.Clamp(Math.Sqrt(Wanted / Math.Max(Percent - 100, 1)), 0.5, 1.25);
    }

    /// <summary>Of kinds that are known, each by how many of it there are.</summary>
    private int Compare()
    {
        var (sum, count) = (0.0, 0L);
        for (var kind = 0; kind < LatencyWindow.Kinds; kind++)
        {
            if (_quiet[kind] > 0 && _window.CountOf(kind) is >= Few and var ofKind)
            {
                sum += ofKind * _window.Percentile99(kind) / _quiet[kind];
                count += ofKind;
            }
        }

        return count * 2 < _window.Count ? 0 : Math.Max(1, (int)(100 * sum / count));
    }

    /// <summary>The first step lets what is under way end, the others are looked at.</summary>
    private void StepProbe(LatencyWindow requests)
    {
        if (_probing > ProbeSteps)
        {
            _probing--;
            StartWindow();
            return;
        }

        if (--_probing > 0)
        {
            return;
        }

        for (var kind = 0; kind < LatencyWindow.Kinds; kind++)
        {
            if (_window.CountOf(kind) >= Few)
            {
                // Copies of other servers may be felt here as well, and go on: so what is known rises by a sixteenth
                // at most.
                var now = _window.Percentile99(kind);
                _quiet[kind] = _quiet[kind] == 0 ? now : Math.Min(now, _quiet[kind] * 17 / 16);
            }
        }

        StartWindow();
    }
}
