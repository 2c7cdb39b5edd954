using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Leases;

/// <content>A new leader is told what there is.</content>
internal sealed partial class LeaseClient
{
    private async Task ReclaimAsync()
    {
        ulong epoch;
        List<(InodeId Inode, LeaseMode Mode)> held;
        lock (_gate)
        {
            if (!_book.MustReclaim)
            {
                return;
            }

            (epoch, held) = (_book.Epoch, _book.ToReclaim());
        }

        // What was given up meanwhile is not asked for before the leader knows that too: it could answer with the lease
        // that it has just taken over.
        List<LeaseAnswer> answers = [];
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await ReclaimAsync(epoch, held, answers, ended.Task).ConfigureAwait(false);
        }
        finally
        {
            await TellAsync(answers, ended).ConfigureAwait(false);
        }
    }

    private async Task ReclaimAsync(
        ulong epoch, List<(InodeId Inode, LeaseMode Mode)> held, List<LeaseAnswer> answers, Task ended)
    {
        for (var at = 0; at <= held.Count; at += ToldMax)
        {
            var part = held.Skip(at).Take(ToldMax).ToList();
            var request = new ReclaimLeasesRequest
            {
                Client = _session.Id.Value,
                Epoch = epoch,
                Done = at + ToldMax > held.Count,
            };
            request.Held.Add(part.Select(static one => new ReclaimLeasesRequest.Types.Held
            {
                Inode = one.Inode.Value,
                Kind = (uint)one.Mode,
            }));
            var reply = await _channel.ReclaimAsync(request, TellLimit, _stop.Token).ConfigureAwait(false);
            Look(reply.Status);
            if (reply.Status.Status != 0 || reply.Reclaimed.Count != part.Count)
            {
                await PauseAsync().ConfigureAwait(false);
                return;
            }

            if (!Reclaimed(epoch, part, reply, answers, ended))
            {
                return;
            }
        }

        lock (_gate)
        {
            _book.ReclaimEnded(epoch);
        }
    }

    /// <returns>False: another leader has begun, and is told anew.</returns>
    private bool Reclaimed(
        ulong epoch,
        List<(InodeId Inode, LeaseMode Mode)> part,
        ReclaimLeasesReply reply,
        List<LeaseAnswer> answers,
        Task ended)
    {
        List<InodeId> lost = [];
        lock (_gate)
        {
            if (epoch != _book.Epoch)
            {
                return false;
            }

            for (var i = 0; i < part.Count; i++)
            {
                var (inode, mode) = part[i];
                var grant = reply.Reclaimed[i].Status == 0 ? reply.Reclaimed[i].Grant : 0;
                if (grant == 0)
                {
                    lost.Add(inode);
                }

                if (_book.Reclaimed(inode, mode, grant) is { } answer)
                {
                    answers.Add(answer);
                    if (answer.Keep == LeaseMode.None)
                    {
                        _givingUp[inode] = ended;
                    }
                }
            }
        }

        foreach (var inode in lost)
        {
            Guard($"Inode {inode.Value} is to be forgotten", () => _holder.Lost(inode));
        }

        return true;
    }
}
