namespace DistFS.Client.Transfers;

/// <summary>Lets so many bytes pass in a second, for all who ask together. Any thread.</summary>
internal sealed class TransferPace(long bytesPerSecond, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private long _free = clock.GetTimestamp();

    /// <summary>Ends when the bytes may pass; what has passed before is paid for first.</summary>
    public async ValueTask WaitAsync(int bytes, CancellationToken cancellation)
    {
        TimeSpan wait;
        lock (_gate)
        {
            var now = clock.GetTimestamp();
            var begins = Math.Max(now, _free);
            _free = begins + (long)(bytes / (double)bytesPerSecond * clock.TimestampFrequency);
            wait = clock.GetElapsedTime(now, begins);
        }

        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, clock, cancellation).ConfigureAwait(false);
        }
    }
}
