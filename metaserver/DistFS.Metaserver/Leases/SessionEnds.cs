using DistFS.Primitives;

namespace DistFS.Metaserver.Leases;

/// <summary>
/// Ends sessions, many at once, and nobody waits for that: each is judged anew in the moment in which its end begins.
/// Not safe for concurrent use.
/// </summary>
/// <param name="judge">In which epoch a session has to end, as of now; 0: it does not, or not any more.</param>
/// <param name="end">Ends a session in that epoch, or in none.</param>
internal sealed class SessionEnds(Func<ClientId, ulong> judge, Func<ClientId, ulong, Task> end)
{
    /// <summary>So many at once; more are told again by the next tick of the table.</summary>
    public const int UnderWayMax = 256;

    private readonly Dictionary<ClientId, Task> _underWay = [];

    /// <summary>What was begun, and not looked at since it ended.</summary>
    public IEnumerable<Task> UnderWay => _underWay.Values;

    /// <summary>
    /// These have to end, it was said. Waits for none of them; what failed is thrown in a later look.
    /// </summary>
    public async Task LookAsync(IReadOnlyCollection<ClientId> sessions)
    {
        var over = _underWay.Where(static one => one.Value.IsCompleted).ToList();
        foreach (var (session, task) in over)
        {
            _underWay.Remove(session);
            await task.ConfigureAwait(false);
        }

        foreach (var session in sessions)
        {
            if (_underWay.Count >= UnderWayMax)
            {
                return;
            }

            if (!_underWay.ContainsKey(session) && judge(session) is not 0 and var epoch)
            {
                _underWay.Add(session, end(session, epoch));
            }
        }
    }
}
