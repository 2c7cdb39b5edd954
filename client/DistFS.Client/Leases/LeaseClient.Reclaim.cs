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

        List<LeaseAnswer> answers = [];
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

            Reclaimed(part, reply, answers);
        }

        lock (_gate)
        {
            _book.ReclaimEnded(epoch);
        }

        await TellAsync(answers).ConfigureAwait(false);
    }

    private void Reclaimed(
        List<(InodeId Inode, LeaseMode Mode)> part, ReclaimLeasesReply reply, List<LeaseAnswer> answers)
    {
        List<InodeId> lost = [];
        lock (_gate)
        {
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
                }
            }
        }

        lost.ForEach(_holder.Lost);
    }
}
