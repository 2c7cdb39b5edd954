using System.Diagnostics;

namespace DistFS.Benchmarks.Raft;

/// <summary>A client that writes 1, 2, 3, ... to one register, one at a time, until it is asked what became of
/// it.</summary>
internal sealed class RaftWriter
{
    private const int CommandBytes = 100;

    private readonly RaftProcesses _processes;
    private readonly CancellationToken _cancellation;
    private readonly List<long> _answers = [];
    private readonly Task _writing;
    private volatile bool _ending;

    /// <summary>Begins.</summary>
    public RaftWriter(RaftProcesses processes, CancellationToken cancellation)
    {
        (_processes, _cancellation) = (processes, cancellation);
        _writing = Task.Run(WriteAsync, cancellation);
    }

    private int Count
    {
        get
        {
            lock (_answers)
            {
                return _answers.Count;
            }
        }
    }

    /// <summary>Waits for that many more answers.</summary>
    public async Task AnswersAsync(int more)
    {
        var count = Count + more;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (Count < count)
        {
            await timer.WaitForNextTickAsync(limit.Token);
        }
    }

    /// <summary>The longest time between two answers, the second of which came after that time stamp.</summary>
    public double LongestGapMs(long after)
    {
        lock (_answers)
        {
            var longest = 0L;
            for (var i = _answers.Count - 1; i > 0 && _answers[i] > after; i--)
            {
                longest = Math.Max(longest, _answers[i] - _answers[i - 1]);
            }

            return longest * 1000.0 / Stopwatch.Frequency;
        }
    }

    /// <summary>Ends; whether the register has what was written last, and all members the same.</summary>
    public async Task<bool> LostNothingAsync()
    {
        _ending = true;
        await _writing;
        var isEqual = await _processes.AreEqualAsync(_cancellation);
        var last = await new RegisterClient(_processes, 2, CommandBytes).GetAsync(0, _cancellation);
        return isEqual && last == Count;
    }

    private async Task WriteAsync()
    {
        var client = new RegisterClient(_processes, 1, CommandBytes);
        for (var value = 1; !_ending; value++)
        {
            await client.PutAsync(0, value, _cancellation);
            lock (_answers)
            {
                _answers.Add(Stopwatch.GetTimestamp());
            }
        }
    }
}
