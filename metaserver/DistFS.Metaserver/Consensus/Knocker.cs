namespace DistFS.Metaserver.Consensus;

/// <summary>
/// Looks again and again, for a while, whether anybody is left at an address where a connection was lost: a dying
/// process loses its connections before its listener, and what is connected between the two is reset.
/// </summary>
/// <param name="look">
/// Connects once. True if that tells anything: somebody answers, or nobody listens. Throws nothing.
/// </param>
internal sealed class Knocker(Func<Task<bool>> look)
{
    private const int Idle = 0;
    private const int Knocking = 1;
    private const int KnockingAndAgain = 2;

    /// <summary>
    /// A second, where looks take no time. Looks are counted, not time: a process that stood still for a second has
    /// not looked meanwhile.
    /// </summary>
    private const int LooksMost = 100;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    private int _state;

    /// <summary>
    /// Begins to look. Who looks already looks once more, since what it found may be from before this loss.
    /// </summary>
    public void Knock()
    {
        if (Interlocked.Exchange(ref _state, KnockingAndAgain) == Idle)
        {
            _ = KnockAsync();
        }
    }

    private async Task KnockAsync()
    {
        do
        {
            Volatile.Write(ref _state, Knocking);
            if (!await LookForAWhileAsync().ConfigureAwait(false))
            {
                // A network that fails, or somebody who accepts and hangs up for ever: messages will tell.
                Volatile.Write(ref _state, Idle);
                return;
            }
        }
        while (Interlocked.CompareExchange(ref _state, Idle, Knocking) != Knocking);
    }

    private async Task<bool> LookForAWhileAsync()
    {
        for (var looks = 0; looks < LooksMost; looks++)
        {
            // Between the states of another process nothing tells.
            await Task.Delay(Interval).ConfigureAwait(false);
            if (await look().ConfigureAwait(false))
            {
                return true;
            }
        }

        return false;
    }
}
