#!/usr/bin/env bash
# Run a command on a one-node Slurm cluster that lives only as long as the command does.
#
#     tests/slurm_cluster.sh snakemake --workflow-profile profiles/slurm report
#
# Needs root and Debian's packages slurm-wlm and munge.  The cluster has its own mounts, processes
# and loopback network: /etc/slurm is seen only in here, ports cannot clash with another cluster's,
# and the daemons and jobs end with the command.  Its GPUs are fakes that Slurm counts and hands out:
# $SLURM_CLUSTER_GPUS of them, or two.  $SLURM_CLUSTER_CPUS says how many CPUs it has, else as many as this machine.
# Logs of the daemons are kept in $SLURM_CLUSTER_LOGS if that names a folder.
#
# Beside the default partition there is one for each kind of refusal that sites are known for: `gres` takes no
# `--gpus`, and `full` no further job of anyone.  The only account is `ours`.  A job that takes more memory than it
# asked for is killed.
set -euo pipefail

if [ "$(id -u)" != 0 ]; then
    echo "error: only root can start a cluster" >&2
    exit 1
fi
for program in munged slurmctld slurmd sbatch ip unshare; do
    if ! command -v "$program" > /dev/null; then
        echo "error: $program is missing; apt-get install slurm-wlm munge iproute2" >&2
        exit 1
    fi
done
if [ $# = 0 ]; then
    echo "usage: $0 COMMAND [ARGUMENT...]" >&2
    exit 1
fi

if [ "$1" != --inside ]; then
    # the first process of the new namespaces is this script again; when it ends, all in them end
    exec unshare --mount --pid --net --fork --mount-proc --kill-child "$0" --inside "$@"
fi
shift

folder=$(mktemp -d -t hwcore-slurm.XXXXXX)
trap 'rm -rf "$folder"' EXIT
logs=${SLURM_CLUSTER_LOGS:-$folder/log}
mkdir -p "$logs" "$folder/etc" "$folder/state" "$folder/spool"
# munge refuses to run in a folder that others could change
chmod 755 "$folder"
ip link set lo up
# Slurm asks for addresses of families that the host has, and a loopback address does not count:
# this one is from the block for documentation, and nothing outside this namespace has or sees it
ip address add 192.0.2.1/32 dev lo

gpus=${SLURM_CLUSTER_GPUS:-2}
for ((gpu = 0; gpu < gpus; gpu++)); do
    mknod "$folder/nvidia$gpu" c 1 3
    echo "Name=gpu File=$folder/nvidia$gpu" >> "$folder/etc/gres.conf"
done
host=$(uname -n)
cores=${SLURM_CLUSTER_CPUS:-$(nproc)}
memory=$(awk '/^MemTotal:/ { print int($2 / 1024 * 0.9) }' /proc/meminfo)

cat > "$folder/etc/slurm.conf" << END
ClusterName=hwcore
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
# a job that Slurm starts again need not wait until a credential of two minutes has expired
AuthInfo=socket=$folder/munge.socket,cred_expire=10
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
JobSubmitPlugins=lua
KillWait=2
MinJobAge=600
SlurmdTimeout=10
MpiDefault=none
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$logs/slurmctld.log
SlurmdLogFile=$logs/slurmd.log
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory $([ "$gpus" = 0 ] || echo Gres=gpu:$gpus) State=UNKNOWN
PartitionName=debug Nodes=$host Default=YES MaxTime=INFINITE State=UP
PartitionName=gres Nodes=$host MaxTime=INFINITE State=UP
PartitionName=full Nodes=$host MaxTime=INFINITE State=UP
END
# numbers of slurm_errno.h: ESLURM_ACCOUNTING_POLICY, ESLURM_INVALID_ACCOUNT
cat > "$folder/etc/job_submit.lua" << 'END'
function slurm_job_submit(job, partitions, uid)
    if job.account and job.account ~= "ours" then
        return 2045
    end
    if job.partition == "full" then
        return 2050
    end
    if job.partition == "gres" and job.tres_per_job then
        slurm.log_user("this site takes no --gpus; use --gres=gpu:N")
        return slurm.ERROR
    end
    return slurm.SUCCESS
end
function slurm_job_modify(job, record, partitions, uid)
    return slurm.SUCCESS
end
END
echo "CgroupAutomount=no" > "$folder/etc/cgroup.conf"
echo "127.0.0.1 localhost $host" > "$folder/hosts"
mount --bind "$folder/hosts" /etc/hosts
# a job step looks for its configuration here, whatever SLURM_CONF says
mount --bind "$folder/etc" /etc/slurm

head -c 1024 /dev/urandom > "$folder/munge.key"
chmod 400 "$folder/munge.key"
munged --force --key-file "$folder/munge.key" --socket "$folder/munge.socket" \
    --pid-file "$folder/munged.pid" --seed-file "$folder/munge.seed" --log-file "$logs/munged.log"
slurmctld
slurmd

deadline=$((SECONDS + 20))
until [ "$(timeout 5 sinfo --noheader --format=%T 2> /dev/null)" = idle ]; do
    if [ $SECONDS -ge $deadline ]; then
        echo "error: the node did not become idle within 20 s" >&2
        grep -hE "error|fatal" "$logs"/*.log >&2 || true
        exit 1
    fi
    sleep 0.1
done

status=0
"$@" || status=$?
exit $status
