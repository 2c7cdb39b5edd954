using DistFS.Primitives;

namespace DistFS.Client.Transfers;

/// <summary>
/// What the transfers of a client keep of content on its way, all together: a file begins when there is room for it, in
/// the order in which they came, so that one that needs much is not overtaken for ever. Any thread.
/// </summary>
/// <param name="bytesMax">So many bytes; who needs more is alone.</param>
internal sealed class TransferMemory(long bytesMax)
{
    private const int PlaceBytes = 4_096;

    private readonly int _places = (int)Math.Min(int.MaxValue, bytesMax / PlaceBytes);
    private readonly Turnstile _turnstile = new(
        ShellScheduler.Pool, (int)Math.Min(int.MaxValue, bytesMax / PlaceBytes));

    /// <summary>Waits for so much memory; disposing of what is returned gives it back.</summary>
    /// <exception cref="OperationCanceledException">There is none.</exception>
    public async ValueTask<Taken> TakeAsync(long bytes, CancellationToken cancellation)
    {
        var places = (int)Math.Clamp((bytes + PlaceBytes - 1) / PlaceBytes, 1, _places);
        await _turnstile.EnterAsync(places, cancellation).ConfigureAwait(false);
        return new Taken(_turnstile, places);
    }

    /// <summary>Memory that was given.</summary>
    internal readonly struct Taken(Turnstile turnstile, int places) : IDisposable
    {
        public void Dispose() => turnstile.Leave(places);
    }
}
