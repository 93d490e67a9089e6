"""What an update of a topology does to each of its nodes: a pure decision on the running plan and the new one."""
