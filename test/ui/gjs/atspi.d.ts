// SPDX-License-Identifier: MIT
// What the driver uses of AT-SPI; there is no @girs package of it.
declare module 'gi://Atspi?version=2.0' {
  interface Action {
    get_n_actions(): number;
    do_action(index: number): boolean;
  }
  interface Text {
    get_character_count(): number;
    get_text(start: number, end: number): string;
  }
  export interface Accessible {
    clear_cache(): void;
    get_child_count(): number;
    get_child_at_index(index: number): Accessible | null;
    get_name(): string;
    get_description(): string;
    get_role_name(): string;
    get_process_id(): number;
    get_state_set(): { contains(state: number): boolean };
    get_action_iface(): Action | null;
    get_text_iface(): Text | null;
  }
  const Atspi: {
    init(): number;
    get_desktop(index: number): Accessible;
    readonly StateType: Readonly<Record<string, number>>;
  };
  export default Atspi;
}
